// Custom elements and keys. Every page works without this file.
const $ = (s, from = document) => from.querySelector(s);
const $$ = (s, from = document) => [...from.querySelectorAll(s)];
const root = document.documentElement;
const say = (text) => { const to = $("#said"); if (to) { to.textContent = ""; requestAnimationFrame(() => (to.textContent = text)); } };

const pad = (n) => String(n).padStart(2, "0");
const months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
const coarse = (s) => { for (const [n, u] of [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]]) if (s >= n) return `${Math.floor(s / n)} ${u}`; return ""; };
function written(at, form) {
  const now = new Date(), hm = `${pad(at.getHours())}:${pad(at.getMinutes())}`, hms = `${hm}:${pad(at.getSeconds())}`;
  const date = `${at.getDate()} ${months[at.getMonth()]}`, today = at.toDateString() === now.toDateString();
  if (form === "ago") { const t = coarse((now - at) / 1000); return t ? `${t} ago` : "just now"; }
  if (form === "day") return `${date} ${at.getFullYear()}`;
  if (form === "full") return `${date} ${at.getFullYear()}, ${hms}`;
  if (form === "until") return today ? hm : `${date}, ${hm}`;
  return today ? hms : `${date}${at.getFullYear() === now.getFullYear() ? "" : " " + at.getFullYear()}, ${hm}`;
}
customElements.define("local-time", class extends HTMLElement {
  connectedCallback() { this.show(); if (this.dataset.form === "ago") this.timer = setInterval(() => this.show(), 20000); }
  disconnectedCallback() { clearInterval(this.timer); }
  show() {
    const time = $("time", this), at = time && new Date(time.dateTime);
    if (!at || isNaN(at)) return;
    const text = written(at, this.dataset.form);
    if (text !== time.textContent) time.textContent = text;
  }
});

customElements.define("copy-button", class extends HTMLElement {
  connectedCallback() { this.addEventListener("click", () => this.copy()); }
  async copy() {
    const button = $("button", this), from = button.dataset.from && document.getElementById(button.dataset.from);
    const text = button.dataset.text ?? (from ? (from.content ?? from).textContent : "");
    try { await navigator.clipboard.writeText(text); say("Copied"); } catch {
      if (from && !from.content) getSelection().selectAllChildren(from);
      say("Press Ctrl C to copy");
    }
  }
});

customElements.define("hide-after", class extends HTMLElement {
  connectedCallback() { this.timer = setTimeout(() => { this.textContent = "Hidden again after 5 minutes."; }, 1000 * this.dataset.seconds); }
  disconnectedCallback() { clearTimeout(this.timer); this.textContent = ""; }
});

customElements.define("toast-list", class extends HTMLElement {
  connectedCallback() { $$("[data-toast]").forEach((note) => this.add(note)); }
  add(note) {
    const bad = note.classList.contains("bad") || note.classList.contains("warn");
    note.removeAttribute("role"); note.className = "toast"; this.append(note);
    const close = Object.assign(document.createElement("button"), { type: "button", textContent: "Close" });
    close.addEventListener("click", () => note.remove()); note.append(close);
    if (!bad) this.wait(note, $("form", note) ? 10000 : 6000);
  }
  wait(note, ms) { setTimeout(() => note.matches(":hover,:focus-within") ? this.wait(note, 1500) : note.remove(), ms); }
});

customElements.define("live-rows", class extends HTMLElement {
  connectedCallback() {
    if (!this.dataset.src) return;
    this.last = this.dataset.last ?? ""; this.waiting = []; this.on = true;
    this.asleep = () => document.hidden && !("keep" in this.dataset); // a page that is kept open counts as presence
    this.seen = () => (this.asleep() ? this.close() : this.open());
    document.addEventListener("visibilitychange", this.seen);
    this.seen();
  }
  disconnectedCallback() { this.close(); document.removeEventListener("visibilitychange", this.seen ?? (() => {})); }
  open() {
    if (this.stream || !this.on) return;
    const url = new URL(this.dataset.src, location.href);
    if (this.last) url.searchParams.set("after", this.last);
    this.stream = new EventSource(url);
    for (const kind of ["rows", "changed", "part"]) this.stream.addEventListener(kind, (e) => { if (e.lastEventId) this.last = e.lastEventId; this.take(kind, e.data); });
    this.stream.addEventListener("ended", () => { this.close(); location.reload(); });
    this.stream.onopen = () => { this.dataset.live = "on"; this.lost?.remove(); };
    this.stream.onerror = () => { if (this.stream?.readyState === 2) { this.close(); this.gone(); } };
  }
  close() { this.stream?.close(); this.stream = null; this.dataset.live = "off"; }
  gone() {
    this.lost?.remove();
    this.lost = document.createElement("div"); this.lost.className = "note warn"; this.lost.setAttribute("role", "alert");
    const a = Object.assign(document.createElement("a"), { href: "", className: "link", textContent: "Reload" });
    this.lost.append("Live view lost; the list may be out of date. ", a); this.prepend(this.lost);
    setTimeout(() => this.isConnected && !this.asleep() && this.open(), 4000);
  }
  busy() {
    const s = getSelection();
    return (scrollY > 200 && this.dataset.rows) || this.contains(document.activeElement) || (s && !s.isCollapsed && this.contains(s.anchorNode));
  }
  take(kind, html) { if (kind === "part") this.waiting = []; this.waiting.push([kind, html]); if (!this.frame) this.frame = requestAnimationFrame(() => { this.frame = 0; this.paint(); }); }
  paint(force) {
    if (!force && this.busy()) {
      if (this.dataset.part) { clearTimeout(this.later); this.later = setTimeout(() => this.paint(), 1000); return; }
      const still = [];
      for (const one of this.waiting) if (one[0] === "rows") still.push(one); else this.change(one[1]);
      this.waiting = still; if (still.length) this.offer(); return;
    }
    const all = this.waiting; this.waiting = []; this.news?.remove(); this.news = null;
    for (const [kind, html] of all) kind === "part" ? this.part(html) : kind === "changed" ? this.change(html) : this.rows(html);
  }
  parse(html) { const t = document.createElement("template"); t.innerHTML = html; return t.content; }
  part(html) {
    const fresh = this.parse(html).getElementById(this.dataset.part), old = document.getElementById(this.dataset.part);
    if (!fresh || !old) return;
    if (fresh.innerHTML !== old.innerHTML) { const open = $$("details", old).map((d) => d.open); old.replaceWith(fresh); const d = $$("details", fresh); if (d.length === open.length) d.forEach((x, i) => (x.open = open[i])); const m = $(".msgs", fresh); if (m) m.scrollTop = m.scrollHeight; }
  }
  change(html) { for (const row of $$("tr", this.parse(html))) { const old = document.getElementById(row.id); if (!old) continue; const was = $(".choose input", old), is = $(".choose input", row); if (was && is) is.checked = was.checked; old.replaceWith(row); } }
  rows(html) {
    const body = document.getElementById(this.dataset.rows), fresh = $$("tr", this.parse(html)).filter((row) => !document.getElementById(row.id));
    if (!fresh.length) { this.change(html); return; }
    fresh.forEach((row) => row.classList.add("new")); body.prepend(...fresh);
    body.closest("table").hidden = false; $("[data-empty]", this)?.remove();
    while (body.children.length > 50) body.lastElementChild.remove();
    say(this.words(fresh.length));
  }
  words(n) { return `${n} new ${n === 1 ? this.dataset.noun : this.dataset.nouns}`; }
  offer() {
    const n = this.waiting.reduce((sum, [, html]) => sum + $$("tr", this.parse(html)).length, 0);
    if (!this.news) {
      this.news = Object.assign(document.createElement("button"), { type: "button", className: "news" });
      this.news.addEventListener("click", () => { scrollTo(0, 0); this.paint(true); }); this.prepend(this.news);
    }
    this.news.textContent = `${n} new`; say(this.words(n));
  }
  toggle(on) { this.on = on; on ? this.open() : this.close(); }
});

// dialogs, forms
const dialog = $("#dlg");
let opener = null;
const focusFault = () => $("[data-focus]")?.focus();
function afterSwap() {
  if (dialog?.innerHTML.trim() && !dialog.open) { opener = document.activeElement; dialog.showModal(); }
  root.removeAttribute("data-busy"); focusFault();
}
dialog?.addEventListener("close", () => {
  dialog.innerHTML = "";
  const menu = opener?.closest?.("[popover]"), to = menu ? $(`[popovertarget="${menu.id}"]`) : opener;
  if (to?.isConnected) to.focus();
});
for (const name of ["htmx:afterSwap", "htmx:after:swap"]) document.addEventListener(name, (e) => {
  const told = e.detail?.ctx?.target ?? e.detail?.target ?? e.target, target = typeof told === "string" ? $(told) : told;
  if (target !== dialog && !dialog?.contains(target) && dialog?.open) { dialog.innerHTML = ""; dialog.close(); }
  afterSwap();
});
for (const name of ["htmx:beforeRequest", "htmx:before:request"]) document.addEventListener(name, () => root.setAttribute("data-busy", ""));
for (const name of ["htmx:afterRequest", "htmx:finally:request"]) document.addEventListener(name, () => root.removeAttribute("data-busy"));
document.addEventListener("htmx:beforeSwap", (e) => { if ([401, 403, 409, 422, 429, 503].includes(e.detail?.xhr?.status)) { e.detail.shouldSwap = true; e.detail.isError = false; } });
document.addEventListener("click", (e) => {
  const close = e.target.closest("[data-close]");
  if (close && dialog?.open) { e.preventDefault(); dialog.close(); }
  const show = e.target.closest("[data-show]");
  if (show) { const field = document.getElementById(show.dataset.show), hidden = field.type === "password"; field.type = hidden ? "text" : "password"; show.textContent = hidden ? "Hide" : "Show"; }
  if (e.target.closest(".menu a, .menu button")) e.target.closest("[popover]")?.hidePopover?.();
});
document.addEventListener("submit", (e) => {
  const form = e.target;
  if (form.method !== "post" || form.target === "_blank" || form.hasAttribute("hx-post")) return;
  if (form.dataset.sent) e.preventDefault();
  form.dataset.sent = "1"; setTimeout(() => delete form.dataset.sent, 3000);
});
addEventListener("pageshow", (e) => { if (e.persisted) $$("form").forEach((f) => delete f.dataset.sent); });
const liveButton = $("#live");
if (liveButton && $("live-rows[data-src]")) {
  liveButton.hidden = false;
  liveButton.addEventListener("click", () => {
    const on = liveButton.getAttribute("aria-pressed") !== "true";
    liveButton.setAttribute("aria-pressed", on); $(".live", liveButton).dataset.on = on; $("live-rows")?.toggle(on);
  });
}
$$("[data-show]").forEach((b) => (b.hidden = false));
document.cookie = `deskbell_zone=${Intl.DateTimeFormat().resolvedOptions().timeZone};path=/;max-age=31536000;samesite=lax`;
if ($("#zone")) $("#zone").textContent = Intl.DateTimeFormat().resolvedOptions().timeZone;

// keys
let at = -1;
const press = (key) => { const to = $(`[data-key="${key}"]:not(:disabled)`); to?.click(); return !!to; };
const move = (by) => { const rows = $$("tr.row a.t1, .caps a"); at = rows.indexOf(document.activeElement) === -1 ? at : rows.indexOf(document.activeElement); at = Math.max(0, Math.min(rows.length - 1, at + by)); rows[at]?.focus(); return rows.length > 0; };
const keys = {
  "/": () => { const to = $("#q") ?? $("input[type=search]"); to?.focus(); return !!to; },
  j: () => move(1), k: () => move(-1), "[": () => press("["), "]": () => press("]"), l: () => press("l"), r: () => press("r"),
  e: () => { const row = document.activeElement?.closest("tr.row"); const to = $('[data-key="e"]', row ?? document); to?.click(); return !!to; },
  x: () => { const to = $(".choose input", document.activeElement?.closest("tr.row") ?? document.createElement("p")); to?.click(); return !!to; },
  n: () => { const to = $("#create:not(:disabled)"); if (!to) return press("n"); to.focus(); to.click(); $("#create-m a").focus(); return true; },
  t: () => { $("#theme")?.click(); return true; }, "?": () => { $("#help-open")?.click(); return true; },
};
document.addEventListener("keydown", (e) => {
  if (root.dataset.keys === "off" || e.ctrlKey || e.metaKey || e.altKey || dialog?.open) return;
  if (e.target.matches?.("input,select,textarea,[contenteditable]")) { if (e.key === "Escape") e.target.blur(); return; }
  if (keys[e.key]?.()) e.preventDefault();
});
for (const field of $$("#q")) if (field.value !== field.defaultValue) field.dispatchEvent(new Event("input", { bubbles: true }));
focusFault();
root.dataset.ready = "1";
