// Says so when the page's modules do not start: a file was lost on the way, or the browser is too
// old. So this is no module, and written for browsers of any age.

(function () {
  var LATE_MS = 15000;
  var section = document.getElementById("unstarted");
  var again = document.getElementById("load-again");

  function look() {
    if (section) section.hidden = document.documentElement.hasAttribute("data-started");
  }

  if (again) {
    again.addEventListener("click", function () {
      location.reload();
    });
  }
  addEventListener("load", look);
  setTimeout(look, LATE_MS);
})();
