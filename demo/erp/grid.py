"""The grid of the demo ERP's lists: what a session sees of a list, and what that looks like."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from html import escape
from typing import Any

from demo.erp import export, web
from demo.erp.erp import Sort
from demo.erp.faults import Fault
from demo.erp.lists import DemoList, ListColumn, Total
from demo.erp.text import Kind
from demo.erp.web import Profile, Release

PAGE_SIZE, LARGEST_PAGE = 20, 200  # rows
SHOW_CHOOSER, CLEAR_FILTER = "ShowCustomizationDialog", "ClearFilter"
CHECKED, UNCHECKED = "C", "U"  # values of a check box
CHOOSER, APPLY, CANCEL = "DXCDWindow", "DXCBtn201", "DXCBtn202"
TABS = {"it": ("Ordinamento", "Raggruppamento", "Filtro"), "en": ("Sorting", "Grouping", "Filtering")}

HIDE = {"it": "Nascondi colonna", "en": "Hide Column"}


@dataclass
class GridState:
    """What a session has chosen in a list's grid. It stays so until the session ends."""

    page: int = 0  # the user's, of whatever session
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
    columns: Sequence[ListColumn]  # all that the list has, in the order in which they are shown
    shown: Set[int]  # the places of those that are
    state: GridState
    records: Sequence[Any]  # of this page
    count: int  # of all records that are left by filters and search
    filter_expression: str
    has_chooser: bool
    has_chooser_call: bool  # whether a script can show it; a header's menu always can


def list_by_index(columns: Sequence[ListColumn]) -> list[int]:
    """The places of the columns in the order of their indexes, which the grid's script and ids have.

    An index has nothing to do with where a column is shown; that it is that of its field's name is assumed.
    """
    return sorted(range(len(columns)), key=lambda place: (columns[place].field_name, place))


def make_grid_name(demo_list: DemoList, number: int, release: Release) -> str:
    """`number` is the session's."""
    suffix = demo_list.grid_after_update if release.is_new else ""
    return f"Vertical$v{number}${suffix or demo_list.grid}"


def make_check_box_name(grid: str, index: int) -> str:
    """The column chooser's check box for a column."""
    return f"{grid}${CHOOSER}$DXCDPageControl$C{index}Chk5"


def read_chosen(grid: str, columns: Sequence[ListColumn], fields: Mapping[str, str]) -> list[int]:
    """The places of the columns whose check boxes are ticked in a form."""
    by_index = enumerate(list_by_index(columns))
    return [place for index, place in by_index if fields.get(make_check_box_name(grid, index)) == CHECKED]


def render_grid(grid: Grid, profile: Profile, faults: Collection[Fault] = ()) -> str:
    """The list's area of the page: column chooser, filter, grid, pager, and the control object of the grid."""
    if Fault.PARTIAL_GRID in faults:
        grid = replace(grid, records=grid.records[: len(grid.records) // 2])
    control = web.get_client_id(grid.name)
    by_index = list_by_index(grid.columns)
    shown = [(by_index.index(place), column) for place, column in enumerate(grid.columns) if place in grid.shown]
    headers = "".join(render_header(control, index, column) for index, column in shown)
    if Fault.PHANTOM_COLUMN in faults:
        headers += render_header(control, len(grid.columns), ListColumn("", ""))
    first = grid.state.page * grid.state.size
    values_of = export.make_value_getter([column for _, column in shown])
    rows = "".join(
        f'<tr id="{control}_DXDataRow{first + row}" class="dxgvDataRow_XafTheme">'
        + "".join(
            f'<td class="dxgv {column.kind.align}">{render_cell(column.kind, value, profile)}</td>'
            for (_, column), value in zip(shown, values_of(record), strict=True)
        )
        + "</tr>"
        for row, record in enumerate(grid.records)
    )
    if Fault.CUT_ROW in faults:
        rows = f"{rows[: rows.rindex('<td')]}</tr>"
    return f"""{render_column_chooser(grid, profile) if grid.has_chooser else ""}{render_filter_bar(grid, profile)}
<table id="{control}" class="dxgvControl_XafTheme"><tr><td><div class="table"><table id="{control}_DXMainTable"
 class="dxgvTable_XafTheme"><tr id="{control}_DXHeadersRow0">{headers}</tr>{rows}{render_footer(grid, shown, profile)}
</table></div>{render_pager(grid, profile)}</td></tr></table>{render_header_menu(grid, profile)}
<div id="{control}_LP" class="dxgvLoadingPanel_XafTheme" hidden></div>
<script>ASPx.createControl(ASPxClientGridView,'{control}','',{{'uniqueID':'{grid.name}',{describe_grid(grid)}}});</script>"""


def render_header(control: str, index: int, column: ListColumn) -> str:
    """The caption stands in a table of its own, beside the place for a sign of the order."""
    return (
        f'<td id="{control}_col{index}" class="dxgvHeader_XafTheme"'
        f""" onclick="ASPx.GVHeaderClick('{control}', {index})" oncontextmenu="showHeaderMenu(event, '{control}')">"""
        f'<table><tr><td>{escape(column.header)}</td><td><span class="dx-vam">&nbsp;</span></td></tr></table></td>'
    )


def render_cell(kind: Kind, value: Any, profile: Profile) -> str:
    """As the grid shows it: a check box as such, a negative amount as `(12,30)`, all else as in exports."""
    if kind is Kind.CHECKED and value is not None:
        return f'<span class="{describe_check_box(is_checked=value)} dxichSys"></span>'
    text = kind.format(value, english=profile.is_english)
    is_negative = kind in (Kind.NUMBER, Kind.MONEY) and text.startswith("-")
    return escape(f"({text.removeprefix('-')})" if is_negative else text)


def describe_check_box(*, is_checked: bool) -> str:
    """The classes of DevExpress's own check box."""
    return f"dxWeb_edtCheckBox{'Checked' if is_checked else 'Unchecked'}_XafTheme dxICheckBox_XafTheme"


def render_footer(grid: Grid, shown: Sequence[tuple[int, ListColumn]], profile: Profile) -> str:
    """The row with the Count; the sums that exports have are left out."""
    if not any(column.total is Total.COUNT for _, column in shown):
        return ""
    count = f"Count={Kind.INTEGER.format(grid.count, english=profile.is_english)}"
    cells = "".join(f"<td class=dxgv>{count if column.total is Total.COUNT else ''}</td>" for _, column in shown)
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
    return f"""<div class="dxgvPagerBottomPanel_XafTheme"><div class="dxpLite_XafTheme" id="{pager}">
<b class="dxp-lead dxp-summary">{summary}</b><span>{numbers}</span><label>{profile.page_size}
<input type="text" id="{pager}_PSI" value="{grid.state.size}" onblur="ASPx.POnPageSizeBlur('{pager}', event)"
 onkeydown="ASPx.POnPageSizeKeyDown('{pager}', event)"></label></div></div>"""


def describe_grid(grid: Grid) -> str:
    """The properties of its control object, with the values of the page's rows, those of hidden columns too."""
    by_index = list_by_index(grid.columns)
    sorted_by = grid.state.sorted_by
    properties: Mapping[str, Any] = {
        "columns": [
            {"index": index, "fieldName": grid.columns[place].field_name, "name": "", "visible": place in grid.shown}
            for index, place in enumerate(by_index)
        ],
        "rows": [describe_row(record, grid.demo_list, grid.columns) for record in grid.records],
        "firstRow": grid.state.page * grid.state.size,
        "pageIndex": grid.state.page,
        "pageCount": count_pages(grid),
        "hasChooserCall": grid.has_chooser_call,
        "sortedBy": sorted_by is not None
        and {"index": by_index.index(sorted_by), "order": "DSC" if grid.state.descending else "ASC"},
    }
    return web.write_script_value(properties)[1:-1]


def describe_row(record: Any, demo_list: DemoList, columns: Sequence[ListColumn]) -> dict[str, Any]:
    """Its key, and its values by the columns' indexes."""
    values = export.make_value_getter([columns[place] for place in list_by_index(columns)])(record)
    return {"key": str(getattr(record, demo_list.key.field)), "values": [make_script_value(value) for value in values]}


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
        f"<div>{render_check_box(make_check_box_name(grid.name, index), is_checked=place in grid.shown)}"
        f"<span>{escape(grid.columns[place].header)}</span></div>"
        for index, place in enumerate(list_by_index(grid.columns))
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
    return f"""<div class="chooser" id="{window}" hidden><div class="tabs">{tabs}</div>{contents}<p>{buttons}</p></div>
<script>showDialog('{window}');</script>"""


def render_header_menu(grid: Grid, profile: Profile) -> str:
    """The menu that a right click on a header shows."""
    menu = f"{web.get_client_id(grid.name)}_DXContextMenu_Columns"
    show_chooser = render_call(grid.name, SHOW_CHOOSER)
    items = "".join(
        f'<li id="{menu}_DXI{place}_" class="dxm-item"{f""" onclick="{does}" """ if does else ""}>'
        f'<a class="dxm-content" id="{menu}_DXI{place}_T">{text}</a></li>'
        for place, (text, does) in enumerate(
            ((HIDE["en" if profile.is_english else "it"], ""), (profile.choose_columns, show_chooser))
        )
    )
    return f'<div id="{menu}" class="header-menu" hidden><ul>{items}</ul></div>'


def render_check_box(name: str, *, is_checked: bool) -> str:
    """DevExpress's own check box, whose value is that of a text field which nobody sees."""
    control = web.get_client_id(name)
    return (
        f'<span id="{control}_D" class="{describe_check_box(is_checked=is_checked)}"'
        ' onclick="ASPx.toggleCheckBox(this)">'
        f'<span class="dxKBSW"><input type="text" id="{control}" name="{name}" readonly'
        f' value="{CHECKED if is_checked else UNCHECKED}"></span></span>'
    )
