// What the demo ERP's pages do in a browser: DevExpress's controls, as far as a client of the ERP meets them.
"use strict";

const LIST_AREA = "Vertical_UPVSC";
const PAGE_SIZES = { least: 1, most: 200 };
const DIALOG_DELAY = 250; // ms
const NARROWEST = 1440; // px at which the toolbar shows all its items
const CALLBACK_BEGINS = 50; // ms after it was called for; until then nothing tells that it will
const RESTLESS_AFTER = 600; // ms after which a page that was idle refreshes its grid

let pressed = null; // the element that the mouse was pressed and let go on
document.addEventListener("mousedown", (event) => (pressed = { element: event.target, isReleased: false }), true);
document.addEventListener("mouseup", (event) => pressed?.element === event.target && (pressed.isReleased = true), true);

document.addEventListener("click", () => (pressed = null)); // after the elements' own listeners

// Whether this is a click with all its events, as a mouse makes them, or no click at all: a call of a script.
function isWholeClick(event) {
  return event?.type !== "click" || (pressed?.isReleased && pressed.element === event.target);
}

class ASPxClientControl {
  constructor(id) {
    this.name = id;
    this.running = 0;
  }

  static GetControlCollection() {
    return ASPx.GetControlCollection();
  }

  initialize(properties) {
    Object.assign(this, properties);
  }

  GetMainElement() {
    return document.getElementById(this.name);
  }

  InCallback() {
    return this.running > 0;
  }
}

const controls = {
  elements: {},
  Get: (id) => controls.elements[id] ?? null,
  GetByName: (id) => controls.elements[id] ?? null,
  ForEachControl: (visit) => Object.values(controls.elements).forEach((control) => visit(control)),
};

const ASPx = {
  createControl(Control, id, name, properties) {
    if (!(controls.elements[id] instanceof Control)) {
      controls.elements[id] = new Control(id);
    }
    controls.elements[id].initialize(properties);
    window[id] = controls.elements[id];
    return controls.elements[id];
  },
  GetControlCollection: () => controls,
  POnPageSizeBlur(pager) {
    const field = document.getElementById(`${pager}_PSI`);
    const size = Math.min(Math.max(Number.parseInt(field.value, 10) || 0, PAGE_SIZES.least), PAGE_SIZES.most);
    if (String(size) !== field.defaultValue) {
      controls.elements[pager.replace(/_DXPagerBottom$/, "")].call("PageSize", size);
    }
  },
  POnPageSizeKeyDown(pager, event) {
    if (event.key === "Enter") {
      event.preventDefault();
      ASPx.POnPageSizeBlur(pager);
    }
  },
  GVPagerOnClick: (id, argument) => controls.elements[id].GotoPage(Number(argument.slice(2))),
  GVHeaderClick: (id, index) => controls.elements[id].SortBy(index),
  // A check box is a picture; its value, C or U, is in a text field.
  toggleCheckBox(box) {
    if (isWholeClick(window.event)) {
      const field = box.querySelector("input");
      const isChecked = field.value !== "C";
      field.value = isChecked ? "C" : "U";
      box.classList.toggle("dxWeb_edtCheckBoxChecked_XafTheme", isChecked);
      box.classList.toggle("dxWeb_edtCheckBoxUnchecked_XafTheme", !isChecked);
    }
  },
};

class ASPxClientCallbackControl extends ASPxClientControl {}

class ASPxClientComboBox extends ASPxClientControl {
  GetInputElement() {
    return document.getElementById(`${this.name}_I`);
  }

  listItems() {
    return [...document.querySelectorAll(`[id="${this.name}_DDD_L_LBT"] td`)].map((cell, index) => ({
      index,
      value: this.itemsValue[index],
      text: cell.textContent,
    }));
  }

  GetItemCount() {
    return this.itemsValue.length;
  }

  GetItem(index) {
    return this.listItems()[index] ?? null;
  }

  FindItemByValue(value) {
    return this.listItems().find((item) => item.value === value) ?? null;
  }

  FindItemByText(text) {
    return this.listItems().find((item) => item.text === text) ?? null;
  }

  GetValue() {
    return document.getElementById(`${this.name}_VI`).value || null;
  }

  GetText() {
    return this.GetInputElement().value;
  }

  GetSelectedIndex() {
    return this.itemsValue.indexOf(this.GetValue());
  }

  GetSelectedItem() {
    return this.GetItem(this.GetSelectedIndex());
  }

  SetSelectedIndex(index) {
    this.SetValue(this.itemsValue[index] ?? null);
  }

  // What follows was seen to depend on the list: nothing at all, a callback, or another page.
  SetValue(value) {
    this.write(value);
    if (this.onSetValue === "navigation") {
      postBack(this.uniqueID, value);
    } else if (this.onSetValue === "callback") {
      sendCallback(globalCallbackControl, this.uniqueID, value);
    }
  }

  write(value) {
    document.getElementById(`${this.name}_VI`).value = value ?? "";
    this.GetInputElement().value = this.FindItemByValue(value)?.text ?? "";
  }

  ShowDropDown() {
    this.GetMainElement().classList.add("open");
  }

  HideDropDown() {
    this.GetMainElement().classList.remove("open");
  }

  toggle() {
    this.GetMainElement().classList.toggle("open");
  }

  chooseItem(index) {
    if (isWholeClick(window.event)) {
      this.write(this.itemsValue[index]);
      this.HideDropDown();
      sendCallback(globalCallbackControl, this.uniqueID, this.itemsValue[index]);
    }
  }
}

class ASPxClientGridView extends ASPxClientControl {
  GetColumnsCount() {
    return this.columns.length;
  }

  GetColumnCount() {
    return this.columns.length;
  }

  GetColumn(index) {
    return this.columns[index] ?? null;
  }

  GetColumnByField(fieldName) {
    return this.columns.find((column) => column.fieldName === fieldName) ?? null;
  }

  GetPageIndex() {
    return this.pageIndex;
  }

  GetPageCount() {
    return this.pageCount;
  }

  GetTopVisibleIndex() {
    return this.firstRow;
  }

  GetVisibleRowsOnPage() {
    return this.rows.length;
  }

  GetRowKey(visibleIndex) {
    return this.rows[visibleIndex - this.firstRow]?.key ?? null;
  }

  GetRow(visibleIndex) {
    return document.getElementById(`${this.name}_DXDataRow${visibleIndex}`);
  }

  // The page's own rows are there already; those of other pages are asked for.
  GetRowValues(visibleIndex, fieldNames, onValues) {
    const names = fieldNames.split(";");
    const give = (row) => {
      const values = names.map((name) => {
        const place = this.columns.findIndex((column) => column.fieldName === name);
        return row && place >= 0 ? readValue(row.values[place]) : null;
      });
      onValues(values.length === 1 ? values[0] : values);
    };
    const row = this.rows[visibleIndex - this.firstRow];
    if (row) {
      setTimeout(() => give(row));
    } else {
      this.call("RowValues", visibleIndex, (answer) => give(answer.row));
    }
  }

  GotoPage(index) {
    this.call("GotoPage", index);
  }

  NextPage() {
    this.GotoPage(Math.min(this.pageIndex + 1, this.pageCount - 1));
  }

  PrevPage() {
    this.GotoPage(Math.max(this.pageIndex - 1, 0));
  }

  // A column by its place, its field or itself; without an order, the other one than now.
  SortBy(column, order) {
    const { index } = typeof column === "object" ? column : (this.GetColumnByField(column) ?? this.columns[column]);
    const other = this.sortedBy?.index === index && this.sortedBy.order === "ASC" ? "DSC" : "ASC";
    this.call("SortBy", `${index}|${order || other}`);
  }

  ClearFilter() {
    this.call("ClearFilter", "");
  }

  Refresh() {
    this.call("Refresh", "");
  }

  // Where the grid's maker did not enable it, it does nothing.
  ShowCustomizationDialog() {
    if (this.hasChooserCall) {
      this.call("ShowCustomizationDialog", "");
    }
  }

  call(what, argument, onAnswer) {
    sendCallback(this, this.uniqueID, argument === "" ? what : `${what}|${argument}`, onAnswer);
  }
}

// Numbers, texts and booleans come as they are, dates as the parts of a local time.
function readValue(value) {
  return Array.isArray(value) ? new Date(value[0], value[1] - 1, ...value.slice(2)) : value;
}

function findForm() {
  return document.forms[0];
}

function postBack(target, argument) {
  findForm().__EVENTTARGET.value = target;
  findForm().__EVENTARGUMENT.value = argument;
  findForm().submit();
}

function RaiseXafCallback(control, target, argument) {
  if (isWholeClick(window.event)) {
    sendCallback(control, target, argument);
  }
}

function logIn() {
  if (!Number(findForm().dataset.settling)) {
    findForm().requestSubmit();
  }
}

function sendCallback(...call) {
  setTimeout(() => beginCallback(...call), CALLBACK_BEGINS);
}

// Posts the form's state to the page's own address, and puts what comes back into the page.
function beginCallback(control, target, argument, onAnswer = applyAnswer) {
  const state = new URLSearchParams(new FormData(findForm()));
  state.set("__EVENTTARGET", target);
  state.set("__EVENTARGUMENT", argument);
  state.set("__CALLBACKID", target);
  state.set("__CALLBACKPARAM", `c0:${argument}`);
  const request = new XMLHttpRequest();
  request.open("POST", findForm().getAttribute("action"));
  request.setRequestHeader("Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
  const end = () => {
    control.running -= 1;
    hideLoadingPanel(control);
  };
  request.onload = () => {
    end();
    if (request.getResponseHeader("Content-Type").startsWith("application/json")) {
      onAnswer(JSON.parse(request.responseText));
    } else if (new URL(request.responseURL).pathname !== location.pathname) {
      location.href = request.responseURL; // the session has ended: this is the login page
    } else {
      document.documentElement.innerHTML = request.responseText;
    }
  };
  request.onerror = () => {
    end();
    showBanner("Callback request failed due to a network error.");
  };
  control.running += 1;
  showLoadingPanel(control);
  request.send(state.toString());
}

function applyAnswer(answer) {
  for (const [id, html] of Object.entries(answer.parts)) {
    document.getElementById(id).innerHTML = html;
    runScripts(document.getElementById(id));
  }
  if (answer.fetches) {
    location.href = location.pathname;
  }
  if (answer.error) {
    setTimeout(
      () => (answer.error.navigates ? (location.href = location.pathname) : showBanner(answer.error.text)),
      answer.error.after * 1000,
    );
  }
}

// A browser runs no script that comes as a part of a text.
function runScripts(element) {
  for (const script of element.querySelectorAll("script")) {
    const copy = document.createElement("script");
    copy.textContent = script.textContent;
    script.replaceWith(copy);
  }
}

function showBanner(text) {
  const banner = document.createElement("div");
  banner.className = "banner";
  banner.textContent = text;
  document.querySelector("main").prepend(banner);
}

function showLoadingPanel(control) {
  const panel = document.createElement("div");
  const isGrid = control instanceof ASPxClientGridView;
  panel.id = isGrid ? `${control.name}_LPV` : "LPV";
  panel.className = isGrid ? "dxgvLoadingPanel_XafTheme" : "dxlp";
  panel.textContent = "Caricamento…";
  (isGrid ? document.getElementById(LIST_AREA).parentElement : document.body).append(panel);
}

function hideLoadingPanel(control) {
  if (document.body.dataset.loading !== "stays") {
    document.getElementById(control instanceof ASPxClientGridView ? `${control.name}_LPV` : "LPV")?.remove();
  }
}

// What was entered before the login page has settled is lost.
function settle() {
  const form = document.querySelector("form.login");
  const settling = Number(form?.dataset.settling ?? 0);
  if (!settling) {
    watchEditors();
    return;
  }
  setTimeout(() => {
    form.reset();
    form.dataset.settling = "0";
    watchEditors();
  }, settling * 1000);
}

// The editors of the login page have values of their own: what was typed, once the browser has told them.
function watchEditors() {
  for (const field of document.querySelectorAll(".login input[type=text], .login input[type=password]")) {
    let typed = "";
    let known = "";
    field.addEventListener("input", () => (typed = field.value));
    field.addEventListener("change", () => (known = typed));
    findForm().addEventListener("submit", () => (field.value = known));
  }
}

// Laid out once, by the window's width when the page is opened.
function layOutToolbar() {
  const menu = document.querySelector("ul[id$=mainMenu_Menu]");
  const overflow = menu?.querySelector("li.overflow");
  if (overflow) {
    const moved = window.innerWidth < NARROWEST ? menu.querySelectorAll("li.last") : menu.querySelectorAll("li.moved");
    overflow.querySelector("ul").append(...moved);
    overflow.hidden = moved.length === 0;
    overflow.addEventListener("click", (event) => {
      if (event.target === overflow.querySelector("a")) {
        overflow.classList.toggle("open");
      }
    });
    overflow.addEventListener("mouseenter", () => overflow.classList.add("open"));
  }
}

function showHeaderMenu(event, grid) {
  event.preventDefault();
  const menu = document.getElementById(`${grid}_DXContextMenu_Columns`);
  menu.style.left = `${event.pageX}px`;
  menu.style.top = `${event.pageY}px`;
  menu.hidden = false;
}

// A dialog is there some time after the callback that brought it.
function showDialog(id) {
  setTimeout(() => document.getElementById(id)?.removeAttribute("hidden"), DIALOG_DELAY);
}

function showTab(tab) {
  const dialog = tab.closest(".chooser");
  for (const each of dialog.querySelectorAll(".active")) {
    each.classList.remove("active");
  }
  tab.classList.add("active");
  document.getElementById(tab.id.replace(/_T(\d)T$/, "_C$1")).classList.add("active");
}

function search(event, target) {
  if (event.key === "Enter") {
    event.preventDefault();
    sendCallback(globalCallbackControl, target, event.target.value);
  }
}

const globalCallbackControl = ASPx.createControl(ASPxClientCallbackControl, "globalCallbackControl", "", {});
Object.assign(window, { ASPx, ASPxClientControl, ASPxClientComboBox, ASPxClientGridView, globalCallbackControl });

document.addEventListener("DOMContentLoaded", () => {
  settle();
  layOutToolbar();
  if (document.body.dataset.restless) {
    setTimeout(() => Object.values(controls.elements).forEach((each) => each.Refresh?.()), RESTLESS_AFTER);
  }
  if (document.body.dataset.loading === "stays") {
    showLoadingPanel(globalCallbackControl);
  }
});
