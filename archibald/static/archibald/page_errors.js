/* Errors of a page's scripts are seen and reported: whoever looks at the page is told to reload it, the service is told
   which script failed, where, and nothing of what was typed. A script of its own, which runs before all others and in
   browsers that are too old for those. */
(function () {
  "use strict";

  var script = document.currentScript;
  var MOST_REPORTS = 5; // of one page; an error that comes again and again is told once
  var LONGEST = 300; // characters of a message, an address or a place, which the service takes
  var reported = [];
  var isLeft = false; // what a page has asked for is broken off then

  addEventListener("pagehide", function () {
    isLeft = true;
  });
  addEventListener("pageshow", function () {
    isLeft = false;
  });
  addEventListener("error", handleError, true);
  addEventListener("unhandledrejection", function (event) {
    var reason = event.reason;
    handleFailure(reason instanceof Error ? reason.name + ": " + reason.message : String(reason), findPlace(reason));
  });

  function handleError(event) {
    if (event.target instanceof HTMLScriptElement) handleFailure("A script cannot be loaded.", event.target.src);
    else if (event.message) handleFailure(event.message, event.filename + ":" + event.lineno + ":" + event.colno);
  }

  /** Where an error arose: of its stack, the first address of this site; everything, if there is no stack. */
  function findPlace(reason) {
    var stack = (reason && reason.stack) || "";
    var found = stack.split(/[\s()@]+/).filter(function (word) {
      return word.indexOf(location.origin) === 0;
    });
    return stack ? found[0] || "elsewhere" : location.origin + location.pathname;
  }

  function handleFailure(message, place) {
    if (isLeft || place.indexOf(location.origin) !== 0) return; // of a browser's extension
    if (document.readyState === "loading") {
      addEventListener("DOMContentLoaded", function () {
        handleFailure(message, place);
      });
      return;
    }
    showNotice();
    report(message, place.slice(location.origin.length));
  }

  /** Say so above the page, once. */
  function showNotice() {
    if (document.getElementById("page-failed")) return;
    var notice = document.createElement("div");
    notice.id = "page-failed";
    notice.setAttribute("role", "alert");
    notice.appendChild(document.createTextNode(script.dataset.notice + " "));
    var reload = document.createElement("button");
    reload.type = "button";
    reload.textContent = script.dataset.reload;
    reload.addEventListener("click", function () {
      location.reload();
    });
    notice.appendChild(reload);
    document.body.insertBefore(notice, document.body.firstChild);
  }

  function report(message, place) {
    var token = document.querySelector("[name=csrfmiddlewaretoken]");
    var error = { message: cut(message), place: cut(place), page: cut(location.pathname) };
    var known = error.message + error.place;
    var address = script.dataset.address;
    if (!address || !token || reported.length >= MOST_REPORTS || reported.indexOf(known) >= 0) return; // nobody is signed in
    reported.push(known);
    fetch(address, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRFToken": token.value },
      body: JSON.stringify(error),
      keepalive: true,
    }).catch(function () {}); // no connection: it was told to who can see it
  }

  /** A text as long as it may be, without half a character at its end. */
  function cut(text) {
    return text.slice(0, LONGEST).replace(/[\uD800-\uDBFF]$/, "");
  }
})();
