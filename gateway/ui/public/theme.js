// Runs before anything is painted, so that a chosen theme does not flash. It is a file, because pages run no inline scripts.
(() => {
  const theme = localStorage.getItem("headrace-theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
})();
