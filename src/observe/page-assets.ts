// The style and the script of the status page. They stand inline in the page, allowed there by their hashes.

export const STYLE = `
:root {
  color-scheme: light dark;
  --ground: light-dark(#f6f7f9, #101418); --paper: light-dark(#fff, #181d23); --ink: light-dark(#1b2127, #dfe5eb);
  --quiet: light-dark(#5d6873, #8d99a6); --line: light-dark(#e2e6ea, #2a323a); --accent: light-dark(#2c6ecb, #6aa5f0);
  --good: light-dark(#1a7f43, #53c27d); --busy: light-dark(#9a6200, #e0a63c); --bad: light-dark(#c02b2b, #f27d76);
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 14px/1.5 system-ui, sans-serif; }
main { max-width: 1180px; margin: 0 auto; padding: 20px 16px 40px; }
header { display: flex; flex-wrap: wrap; align-items: center; gap: 4px 12px; margin-bottom: 16px; }
h1 { font-size: 20px; margin: 0; letter-spacing: -0.01em; }
h2 { font-size: 16px; margin: 0; display: flex; align-items: center; gap: 10px; }
header p { margin: 0 0 0 auto; }
section { background: var(--paper); border: 1px solid var(--line); border-radius: 12px; padding: 18px 20px; margin-bottom: 18px; }
.headline { font-size: 16px; margin: 6px 0 0; text-wrap: pretty; }
.remedy { color: var(--accent); }
span.remedy::before { content: "→ "; }
p.remedy { margin: 2px 0 0; }
.quiet, small, dt { color: var(--quiet); }
small { font-size: 12px; }
#lost { background: var(--bad); color: var(--paper); border-radius: 8px; padding: 8px 14px; }
.errands { border-color: var(--bad); border-left-width: 4px; }
.errands ul { list-style: none; margin: 0; padding: 0; }
.errands li { border-top: 1px solid var(--line); padding: 10px 0; }
.errands li:last-child { padding-bottom: 0; }
.errands p { margin: 0 0 2px; overflow-wrap: anywhere; }
.errands h2 { margin-bottom: 10px; }
.command { display: flex; flex-wrap: wrap; align-items: center; gap: 4px 8px; }
code { font: 13px/1.5 ui-monospace, monospace; background: var(--ground); border: 1px solid var(--line); border-radius: 6px; padding: 2px 8px; overflow-wrap: anywhere; }
button { font: inherit; font-size: 12px; color: var(--accent); background: none; border: 1px solid currentColor; border-radius: 6px; padding: 2px 10px; cursor: pointer; }
summary { color: var(--quiet); cursor: pointer; width: fit-content; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
details p { color: var(--quiet); }
.hour table { width: auto; margin: 6px 0; }
.streams { margin-top: 12px; }
.curve { display: block; width: 100%; height: 26px; margin: 5px 0 4px; fill: none; stroke: var(--accent); }
.curve path { vector-effect: non-scaling-stroke; stroke-width: 1.5; }
.curve .limit { stroke: var(--line); stroke-dasharray: 3 3; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(140px, 1fr)); gap: 10px; margin: 16px 0; }
.tile { border: 1px solid var(--line); border-radius: 8px; padding: 8px 12px; }
dt { font-size: 12px; }
dd { margin: 0; font-size: 18px; font-weight: 600; font-variant-numeric: tabular-nums; line-height: 1.35; }
dd small { display: block; font-weight: 400; }
progress { appearance: none; width: 100%; height: 6px; border: 0; border-radius: 3px; background: var(--line); overflow: hidden; vertical-align: middle; display: block; }
td progress { width: 130px; margin-top: 4px; }
progress::-webkit-progress-bar { background: var(--line); }
progress::-webkit-progress-value { background: var(--accent); }
progress::-moz-progress-bar { background: var(--accent); }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 5px 14px 5px 0; border-top: 1px solid var(--line); vertical-align: top; white-space: nowrap; }
thead th { border-top: 0; color: var(--quiet); font-weight: 400; font-size: 12px; }
tbody th { font-weight: 600; }
th:last-child, td:last-child { padding-right: 0; }
.number { text-align: right; }
.note td { border-top: 0; padding-top: 0; white-space: normal; color: var(--quiet); overflow-wrap: anywhere; }
.badge { display: inline-flex; align-items: center; gap: 6px; font-size: 12px; font-weight: 600; color: var(--quiet); white-space: nowrap; }
.badge::before { content: ""; width: 8px; height: 8px; border-radius: 50%; background: currentColor; }
.badge.good { color: var(--good); } .badge.busy { color: var(--busy); } .badge.bad { color: var(--bad); }
.badge.bad::before { border-radius: 1px; } .badge.off::before { background: none; border: 1.5px solid currentColor; }
footer { display: flex; gap: 16px; }
a { color: var(--accent); }
@media (max-width: 760px) {
  header p { margin: 0; flex-basis: 100%; }
  section { padding: 14px; }
  .tiles { grid-template-columns: 1fr 1fr; }
  .streams thead { display: none; }
  .streams table, .streams tbody { display: block; }
  .streams tr { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: 1px 12px; border-top: 1px solid var(--line); padding: 8px 0; }
  .streams tr.note { display: block; border: 0; padding: 0 0 8px; margin-top: -4px; }
  .streams th, .streams td { border: 0; padding: 0; white-space: normal; overflow-wrap: anywhere; }
  .streams td:nth-child(2) { text-align: right; }
  .streams .note td, .streams td.number { text-align: left; }
  td[data-label]::before { content: attr(data-label) " "; color: var(--quiet); font-size: 12px; }
  td[data-label="cursor"], td[data-label="next"], td[data-label="last commit"], td.idle { display: none; }
  td progress { width: 100%; }
}
`;

// What is sent anew is put in place piece by piece, so that a folded part stays as it is, and focus and selection stay where
// they are. A page that hears nothing for six seconds is old, whatever the connection says: nothing on it, nor in its title, may
// go on looking well. A hidden page asks nothing.
export const SCRIPT = `
const FRAME_MS = 2000, SILENT_FRAMES = 3;
let source = null, silent = 0;

const morph = (old, fresh) => {
  if (old.isEqualNode(fresh)) return;
  if (old.nodeName !== fresh.nodeName || old.id !== fresh.id) return void old.replaceWith(fresh);
  if (old.nodeType !== Node.ELEMENT_NODE) return void (old.data = fresh.data);
  for (const { name } of [...old.attributes]) if (name !== 'open' && !fresh.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) if (name !== 'open' && old.getAttribute(name) !== value) old.setAttribute(name, value);
  const olds = [...old.childNodes], news = [...fresh.childNodes];
  news.forEach((child, index) => (index < olds.length ? morph(olds[index], child) : old.append(child)));
  for (const child of olds.slice(news.length)) child.remove();
};

const show = ({ title, main }) => {
  const fresh = new DOMParser().parseFromString(main, 'text/html').querySelector('main');
  if (!fresh?.querySelector('#lost')) throw new Error('no status page');
  morph(document.querySelector('main'), fresh);
  document.title = title;
  silent = 0;
};

const lose = () => {
  document.title = 'connection lost · harvest-kafka';
  document.querySelector('#lost').hidden = false;
  for (const badge of document.querySelectorAll('.badge')) {
    badge.className = 'badge off';
    badge.textContent = 'unknown';
  }
};

const connect = () => {
  source?.close();
  silent = 0;
  source = new EventSource('/events');
  source.addEventListener('page', ({ data }) => {
    try {
      show(JSON.parse(data));
    } catch {
      lose();
    }
  });
  source.addEventListener('error', lose);
};

setInterval(() => {
  if (document.hidden) return;
  const isSilent = ++silent > SILENT_FRAMES;
  if (isSilent) lose();
  if (isSilent || source.readyState === EventSource.CLOSED) connect();
}, FRAME_MS);
document.addEventListener('visibilitychange', () => (document.hidden ? source.close() : connect()));
connect();

document.addEventListener('click', async ({ target }) => {
  const button = target.closest('button[data-copy]');
  if (!button) return;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = 'copied';
  } catch {
    // Only pages of this machine, or over TLS, may write there: selected, it can be copied by hand.
    getSelection().selectAllChildren(button.parentElement.querySelector('code'));
    button.textContent = 'selected';
  }
});
`;
