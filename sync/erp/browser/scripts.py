"""What is asked of a list's page in its own language: JavaScript that finds everything by meaning, never by number.

The names of controls and their functions are those of DevExpress's client side, as working code used them in the real
ERP; ids that carry a number of the session or of the version are matched by their parts. How a check box in a cell and
the parts of a header look is inferred from DevExpress, not seen.
"""

from __future__ import annotations

HELPERS = r"""
const isShown = element => element.getClientRects().length > 0 && getComputedStyle(element).visibility !== "hidden";
const tidy = text => text.replace(/\s+/g, " ").trim();
const listControls = () => {
  const collection = (window.ASPxClientControl || window.ASPx || {}).GetControlCollection?.();
  const known = collection?.elements ? Object.values(collection.elements) : [];
  const byId = [...document.querySelectorAll("[id]")].map(element => window[element.id]);
  return [...new Set([...known, ...byId])].filter(control => control && typeof control === "object");
};
const findGrid = () => listControls().find(
  control => /LE_v\d+$/.test(control.name || "") && typeof control.GetVisibleRowsOnPage === "function"
);
const getGridElement = grid => grid.GetMainElement?.() || document.getElementById(grid.name);
const listCombos = () => listControls().filter(
  control => typeof control.GetItemCount === "function" && typeof control.GetValue === "function"
    && !/_DDD_L$/.test(control.name)  // the list of a combo, which is a control of its own
);
const readText = node => {
  if (node.nodeType === Node.TEXT_NODE) return node.data.replace(/\s+/g, " ");
  if (node.nodeType !== Node.ELEMENT_NODE || /^(SCRIPT|STYLE)$/.test(node.tagName)) return "";
  if (node.tagName === "BR") return "\n";
  return [...node.childNodes].map(readText).join("");
};
const readCell = cell => {
  const box = cell.querySelector("[class*=CheckBoxChecked], [class*=CheckBoxUnchecked], input[type=checkbox]");
  if (box) {
    const isChecked = box.tagName === "INPUT" ? box.checked : /CheckBoxChecked/.test(box.className);
    return isChecked ? "Checked" : "Unchecked";
  }
  return readText(cell).split("\n").map(tidy).join("\n").trim();
};
const listHeaders = grid => [...getGridElement(grid).querySelectorAll("[class*=dxgvHeader]")]
  .filter(cell => /^T[DH]$/.test(cell.tagName) && /_col\d+$/.test(cell.id) && isShown(cell));
const getColumnPlace = header => Number(header.id.match(/_col(\d+)$/)[1]);
const listColumns = grid => {
  const count = (grid.GetColumnsCount || grid.GetColumnCount).call(grid);
  return Array.from({length: count}, (_, place) => grid.GetColumn(place)).filter(Boolean);
};
const isNullText = input => Boolean(input.closest("[class*=NullText]"));
"""


def write_function(body: str) -> str:
    """A function of one argument, `given`, with the helpers before its body."""
    return f"async given => {{ {HELPERS} {body} }}"


# Whether nothing is going on: as working code asked the real ERP.
IS_IDLE = write_function(r"""
  if (document.readyState !== "complete") return false;
  const panels = document.querySelectorAll(
    ".dxgvLoadingPanel_XafTheme, .dxlp, [id*=LPV], [class*=LoadingPanel]"
  );
  return ![...panels].some(isShown)
    && !listControls().some(control => typeof control.InCallback === "function" && control.InCallback());
""")

HAS_PASSWORD_FIELD = write_function(r"return [...document.querySelectorAll('input[type=password]')].some(isShown);")

BANNER = "Requested objects cannot be loaded"  # seen in English only
BANNER_SHOWN = "reportErpBanner"  # the function by which a page tells that it shows the banner
WATCH_FOR_BANNER = f"""
setInterval(() => document.body?.innerText.includes("{BANNER}") && {BANNER_SHOWN}(""), 200);
"""

# The combos: client id, value, what can be chosen. The hidden field counts where there is no object.
READ_COMBOS = write_function(r"""
  const combos = listCombos().map(combo => ({
    id: combo.name,
    value: String(combo.GetValue() ?? ""),
    items: Array.from({length: combo.GetItemCount()}, (_, place) => {
      const item = combo.GetItem(place);
      return {value: String(item.value), text: tidy(String(item.text))};
    }),
  }));
  for (const combo of combos) {
    const hidden = [...document.querySelectorAll("input[name$=_VI]")].find(
      input => input.name.replaceAll("$", "_") === `${combo.id}_VI`
    );
    combo.hidden = hidden ? hidden.value : null;
  }
  return combos;
""")

OPEN_COMBO = write_function(r"""
  const combo = listCombos().find(each => each.name === given);
  if (typeof combo.ShowDropDown === "function") combo.ShowDropDown();
""")

# The shown element of a combo's list whose text is that of a choice; null if there is none.
FIND_COMBO_ITEM = write_function(r"""
  const elements = [...document.querySelectorAll(`[id^="${given.id}_DDD"]`)].flatMap(
    element => [element, ...element.querySelectorAll("*")]
  );
  const found = elements.filter(element => tidy(element.textContent) === given.text && isShown(element));
  return found.at(-1) ?? null;
""")

SET_COMBO = write_function(r"""
  const combo = listCombos().find(each => each.name === given.id);
  combo.SetValue(given.value);
""")

HAS_GRID = write_function("return Boolean(findGrid());")

# Filters that the grid shows: the text of its filter bar, and what stands in its filter row.
READ_GRID_FILTERS = write_function(r"""
  const bars = [...document.querySelectorAll("[class*=dxgvFilterBarExpression]")].map(bar => tidy(bar.textContent));
  const row = [...document.querySelectorAll("input[id*=DXFREditorcol]")]
    .filter(input => !/_VI$|hidden/.test(input.id + input.type) && !isNullText(input))
    .map(input => input.value.trim());
  return [...new Set([...bars, ...row])].filter(Boolean);
""")

CLEAR_GRID_FILTER = write_function("findGrid().ClearFilter();")

READ_CAPTIONS = write_function("return listHeaders(findGrid()).map(header => tidy(readText(header))).filter(Boolean);")

# It may do nothing, or not be there; the menu of a header is the other way to the column chooser.
SHOW_COLUMN_CHOOSER = write_function("findGrid().ShowCustomizationDialog?.();")

FIND_HEADER = write_function("return listHeaders(findGrid())[0] ?? null;")

# The innermost shown element whose text begins as given: a menu's own text is that of all its items.
FIND_HEADER_MENU_ITEM = write_function(r"""
  const items = [...document.querySelectorAll("[id*=ContextMenu] *")].filter(isShown);
  return items.filter(item => new RegExp(`^(${given})`, "i").test(tidy(readText(item)))).at(-1) ?? null;
""")

FIND_CHOOSER_TABS = write_function(r"""
  const tabs = [...document.querySelectorAll("[id*=DXCDPageControl_]")]
    .filter(tab => /_A?T\d+T?$/.test(tab.id) && isShown(tab) && tidy(tab.textContent));
  return tabs.map(tab => ({id: tab.id, text: tidy(tab.textContent)}));
""")

# The check boxes of the column chooser: id, the caption beside or around each, and whether its column is hidden.
READ_CHOOSER = write_function(r"""
  const grid = findGrid();
  const boxes = [...document.querySelectorAll("[id*=DXCDWindow] [id*=Chk]")];
  return boxes.filter(box => /C\d+Chk\d*_D/.test(box.id) && isShown(box)).map(box => {
    let around = box;
    while (around.parentElement && !tidy(around.textContent)) around = around.parentElement;
    const column = grid.GetColumn(Number(box.id.match(/C(\d+)Chk/)[1]));
    return {id: box.id, caption: tidy(readText(around)), isHidden: column?.visible === false};
  });
""")

FIND_CHOOSER_BUTTONS = write_function(r"""
  const buttons = [...document.querySelectorAll("[id*=DXCDWindow_DXCBtn]")].filter(isShown);
  return buttons.map(button => ({id: button.id, text: tidy(button.textContent)}));
""")

# Sorts by the grid's field, or by the column under a caption; gives the fields that there are if it is not one.
SORT_DESCENDING = write_function(r"""
  const grid = findGrid();
  const columns = listColumns(grid);
  const header = listHeaders(grid).find(each => tidy(readText(each)) === given.caption);
  const column = given.field
    ? columns.find(each => (each.fieldName || "").toUpperCase() === given.field.toUpperCase())
    : header && grid.GetColumn(getColumnPlace(header));
  if (!column) return given.field
    ? columns.map(each => each.fieldName || "")
    : listHeaders(grid).map(each => tidy(readText(each)));
  grid.SortBy(column, "DSC");
  return null;
""")

GET_PAGE_INDEX = write_function("return findGrid().GetPageIndex();")

GO_TO_FIRST_PAGE = write_function("findGrid().GotoPage(0);")

# One page of the grid as texts, and the times in a field that need not be shown. A number never leaves JavaScript as
# one: IDs lost digits that way. A date is written by its own parts, which are the ERP's, whatever zone this is.
READ_GRID = write_function(r"""
  const grid = findGrid();
  const root = getGridElement(grid);
  const headers = listHeaders(grid);
  const rows = [...root.querySelectorAll("tr[class*=dxgvDataRow]")].filter(isShown);
  const first = grid.GetTopVisibleIndex ? grid.GetTopVisibleIndex() : 0;
  const pad = number => String(number).padStart(2, "0");
  const write = value => {
    if (value === null || value === undefined) return "";
    if (!(value instanceof Date)) return String(value);
    const day = `${value.getFullYear()}-${pad(value.getMonth() + 1)}-${pad(value.getDate())}`;
    return `${day} ${pad(value.getHours())}:${pad(value.getMinutes())}:${pad(value.getSeconds())}`;
  };
  const modified = [];
  const column = given && listColumns(grid).find(
    each => (each.fieldName || "").toUpperCase() === given.toUpperCase()
  );
  for (const [place, row] of column ? rows.entries() : []) {
    const index = row.id.match(/DXDataRow(\d+)$/)?.[1] ?? first + place;
    modified.push(write(await new Promise(answer => grid.GetRowValues(Number(index), column.fieldName, answer))));
  }
  const listTexts = selector => [...document.querySelectorAll(selector)].map(each => tidy(each.textContent));
  return {
    headers: headers.map(header => tidy(readText(header))),
    rows: rows.map(row => [...row.cells].filter(cell => !/Indent|Adaptive/.test(cell.className)).map(readCell)),
    expected: grid.GetVisibleRowsOnPage(),
    pages: grid.GetPageCount?.() ?? null,
    modified,
    footers: listTexts("tr[class*=dxgvFooter] td, td[class*=dxgvFooter]"),
    pagers: listTexts("[class*=dxp-summary], [class*=dxpSummary]"),
  };
""")

# Items of the toolbar, not those of menus in it (`DXI1i0_T`): the anchor's own text, as its item's holds theirs too.
READ_MENU = write_function(r"""
  const anchors = [...document.querySelectorAll('[id*="mainMenu_Menu_DXI"]')];
  return anchors.filter(anchor => /_DXI\d+_T$/.test(anchor.id)).map(anchor => ({
    id: anchor.id, text: tidy(anchor.textContent), title: anchor.title, isShown: isShown(anchor),
  }));
""")

# The same of the toolbar above a list on a record's page; `given` is a part of its ids.
READ_TOOLBAR = write_function(r"""
  const anchors = [...document.querySelectorAll("a[id]")].filter(anchor => anchor.id.includes(given));
  return anchors.filter(anchor => /_Menu_DXI\d+_T$/.test(anchor.id)).map(anchor => ({
    id: anchor.id, text: tidy(anchor.textContent), isShown: isShown(anchor),
  }));
""")

# What opens the items for which the window is too narrow.
FIND_OVERFLOW = write_function(r"""
  const items = [...document.querySelectorAll('[id*="mainMenu_Menu"], [id*="mainMenu_Menu"] *')];
  const isOverflow = item => /^(…|\.\.\.)$/.test(tidy(item.textContent)) || item.classList.contains("dxm-ami");
  const named = items.filter(item => isShown(item) && isOverflow(item));
  return named.at(-1) ?? null;
""")

FIND_SEARCH_BOX = write_function(r"""
  const boxes = [...document.querySelectorAll('input[id*="SearchAC"][id*="Ed_I"]')].filter(isShown);
  return boxes[0] ?? null;
""")

READ_SEARCH_BOX = write_function("return isNullText(given) ? '' : given.value.trim();")
