"""The grid of the demo ERP's lists: what a session sees of a list, and what that looks like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from html import escape
from typing import Any

from demo.erp import export, web
from demo.erp.erp import Sort
from demo.erp.lists import DemoList, ListColumn, Total
from demo.erp.text import Kind
from demo.erp.web import Profile, Release

PAGE_SIZE, LARGEST_PAGE = 20, 200  # rows
SHOW_CHOOSER, CLEAR_FILTER = "ShowCustomizationDialog", "ClearFilter"
CHOOSER, APPLY, CANCEL = "DXCDWindow", "DXCBtn201", "DXCBtn202"
TABS = {"it": ("Ordinamento", "Raggruppamento", "Filtro"), "en": ("Sorting", "Grouping", "Filtering")}


@dataclass
class GridState:
    """What a session has chosen in a list's grid. It stays so until the session ends."""

    page: int = 0
    size: int = PAGE_SIZE  # rows of a page
    sorted_by: int | None = None  # the place of a column; none: as the ERP sorts the list by default
    descending: bool = False
    search: str = ""

    def make_sort(self, columns: Sequence[ListColumn]) -> Sort | None:
        """None for the default order, which a column that is always empty leaves too."""
        field = "" if self.sorted_by is None else columns[self.sorted_by].field
        return Sort(field, self.descending) if field else None


@dataclass(frozen=True)
class Grid:
    """A page of a list's grid."""

    demo_list: DemoList
    name: str  # in forms
    columns: Sequence[ListColumn]  # all that the list has
    shown: Set[int]  # their places
    state: GridState
    records: Sequence[Any]  # of this page
    count: int  # of all records that are left by filters and search
    filter_expression: str
    has_chooser: bool


def make_grid_name(demo_list: DemoList, number: int, release: Release) -> str:
    """`number` is the session's."""
    suffix = demo_list.grid_after_update if release.is_new else ""
    return f"Vertical$v{number}${suffix or demo_list.grid}"


def make_check_box_name(grid: str, place: int) -> str:
    """The column chooser's check box for a column."""
    return f"{grid}${CHOOSER}$DXCDPageControl$C{place}Chk5"


def render_grid(grid: Grid, profile: Profile) -> str:
    """The list's area of the page: column chooser, filter, grid, pager, and the control object of the grid."""
    control = web.get_client_id(grid.name)
    shown = [(place, column) for place, column in enumerate(grid.columns) if place in grid.shown]
    headers = "".join(
        f'<th id="{control}_col{place}" class="dxgvHeader_XafTheme"'
        f""" onclick="ASPx.GVHeaderClick('{control}', {place})">{escape(column.header)}</th>"""
        for place, column in shown
    )
    first = grid.state.page * grid.state.size
    values_of = export.make_value_getter([column for _, column in shown])
    rows = "".join(
        f'<tr id="{control}_DXDataRow{first + row}" class="dxgvDataRow_XafTheme">'
        + "".join(
            f'<td class="{column.kind.align}">{escape(format_cell(column.kind, value, profile))}</td>'
            for (_, column), value in zip(shown, values_of(record), strict=True)
        )
        + "</tr>"
        for row, record in enumerate(grid.records)
    )
    return f"""{render_column_chooser(grid, profile) if grid.has_chooser else ""}{render_filter_bar(grid, profile)}
<div class="table"><table id="{control}"><tr>{headers}</tr>{rows}{render_footer(grid, shown, profile)}</table></div>
{render_pager(grid, profile)}
<div id="{control}_LP" class="dxgvLoadingPanel_XafTheme" hidden></div>
<script>ASPx.createControl(ASPxClientGridView,'{control}','',{{'uniqueID':'{grid.name}',{describe_grid(grid)}}});</script>"""


def format_cell(kind: Kind, value: Any, profile: Profile) -> str:
    """As the grid prints it: a negative amount as `(12,30)`, all else as in exports."""
    text = kind.format(value, english=profile.is_english)
    return f"({text.removeprefix('-')})" if kind in (Kind.NUMBER, Kind.MONEY) and text.startswith("-") else text


def render_footer(grid: Grid, shown: Sequence[tuple[int, ListColumn]], profile: Profile) -> str:
    """The row with the Count; the sums that exports have are left out."""
    if not any(column.total is Total.COUNT for _, column in shown):
        return ""
    count = f"Count={Kind.INTEGER.format(grid.count, english=profile.is_english)}"
    cells = "".join(f"<td>{count if column.total is Total.COUNT else ''}</td>" for _, column in shown)
    return f'<tr id="{web.get_client_id(grid.name)}_DXFooterRow" class="dxgvFooter_XafTheme">{cells}</tr>'


def count_pages(grid: Grid) -> int:
    return max(1, -(-grid.count // grid.state.size))


def render_pager(grid: Grid, profile: Profile) -> str:
    control, pages = web.get_client_id(grid.name), count_pages(grid)
    pager = f"{control}_DXPagerBottom"
    summary = profile.pager.format(page=grid.state.page + 1, pages=pages, records=grid.count)
    near = sorted({0, pages - 1, *range(max(0, grid.state.page - 3), min(pages, grid.state.page + 4))})
    numbers = "".join(
        f"<b>[{page + 1}]</b> "
        if page == grid.state.page
        else f"""<a class="dxp-num" onclick="ASPx.GVPagerOnClick('{control}','PN{page}')">{page + 1}</a> """
        for page in near
    )
    return f"""<div class="pager" id="{pager}"><b class="dxp-summary">{summary}</b><span>{numbers}</span>
<label>{profile.page_size} <input type="text" id="{pager}_PSI" value="{grid.state.size}"
 onblur="ASPx.POnPageSizeBlur('{pager}', event)" onkeydown="ASPx.POnPageSizeKeyDown('{pager}', event)"></label></div>"""


def describe_grid(grid: Grid) -> str:
    """The properties of its control object, with the values of the page's rows, those of hidden columns too."""
    values_of = export.make_value_getter(grid.columns)
    key = grid.demo_list.key.field
    properties: Mapping[str, Any] = {
        "columns": [
            {"index": place, "fieldName": column.field_name, "name": "", "visible": place in grid.shown}
            for place, column in enumerate(grid.columns)
        ],
        "rows": [describe_row(record, key, values_of(record)) for record in grid.records],
        "firstRow": grid.state.page * grid.state.size,
        "pageIndex": grid.state.page,
        "pageCount": count_pages(grid),
        "sortedBy": grid.state.sorted_by is not None
        and {"index": grid.state.sorted_by, "order": "DSC" if grid.state.descending else "ASC"},
    }
    return web.write_script_value(properties)[1:-1]


def describe_row(record: Any, key: str, values: Sequence[Any]) -> dict[str, Any]:
    return {"key": str(getattr(record, key)), "values": [make_script_value(value) for value in values]}


def make_script_value(value: Any) -> Any:
    """A date or time is the parts of it, from the year."""
    match value:
        case Decimal():
            return float(value)
        case datetime():
            return [value.year, value.month, value.day, value.hour, value.minute, value.second]
        case date():
            return [value.year, value.month, value.day]
        case _:
            return value


def render_filter_bar(grid: Grid, profile: Profile) -> str:
    """Over a grid that is filtered: by what, and a way to end it."""
    if not grid.filter_expression:
        return ""
    return f"""<div class="filter dxgvFilterBar_XafTheme"><span class="dxgvFilterBarExpressionCell_XafTheme"
>{escape(grid.filter_expression)}</span> <a class="dxgvFilterBarClearButtonCell_XafTheme"
 onclick="{render_call(grid.name, CLEAR_FILTER)}">{profile.clear}</a></div>"""


def render_call(target: str, argument: str) -> str:
    return f"RaiseXafCallback(globalCallbackControl, '{target}', '{argument}', '', true)"


def render_column_chooser(grid: Grid, profile: Profile) -> str:
    window = web.get_client_id(f"{grid.name}${CHOOSER}")
    boxes = "".join(
        f'<label id="{web.get_client_id(box)}_D"><input type="checkbox" name="{box}" value="C"{" checked" * is_shown}>'
        f" {escape(column.header)}</label>"
        for box, column, is_shown in (
            (make_check_box_name(grid.name, place), column, place in grid.shown)
            for place, column in enumerate(grid.columns)
        )
    )
    buttons = " ".join(
        f'<a id="{window}_{button}" onclick="{render_call(f"{grid.name}${CHOOSER}", button)}">{text}</a>'
        for button, text in ((APPLY, profile.apply), (CANCEL, profile.cancel))
    )
    pages = f"{window}_DXCDPageControl"
    names = [*TABS["en" if profile.is_english else "it"], profile.choose_columns]
    tabs = "".join(
        f'<a id="{pages}_T{place}T"{" class=active" * (not place)} onclick="showTab(this)">{name}</a>'
        for place, name in enumerate(names)
    )
    contents = "".join(
        f'<div id="{pages}_C{place}" class="page{" active" * (not place)}">{content}</div>'
        for place, content in enumerate(("", "", "", boxes))
    )
    return f'<div class="chooser" id="{window}"><div class="tabs">{tabs}</div>{contents}<p>{buttons}</p></div>'
