// Light, dark, or as the system says.
const theme = (() => {
  const root = document.documentElement;
  const names = ["automatic", "light", "dark"];
  const button = document.getElementById("theme");
  // Storage may be refused when the page is opened from disk; the choice then lasts as long as the page.
  const remember = {
    read() { try { return localStorage.getItem("harness-theme"); } catch { return null; } },
    write(value) { try { localStorage.setItem("harness-theme", value); } catch { /* as said above */ } },
  };
  let chosen = "automatic";
  function choose(name) {
    chosen = name;
    if (name === "automatic") delete root.dataset.theme; else root.dataset.theme = name;
    button.querySelector(".theme-name").textContent = name;
    button.setAttribute("aria-label", `Colours: ${name}`);
  }
  function start() {
    choose(names.includes(remember.read()) ? remember.read() : "automatic");
    button.hidden = false;
    button.addEventListener("click", () => {
      choose(names[(names.indexOf(chosen) + 1) % names.length]);
      remember.write(chosen);
    });
  }
  return { start };
})();
