"""Whether anything that came from outside has become more than text on a page.

await watch(page)                       # before it opens: what would be reported is kept
assert await harm(page) == []           # what has happened, and what is on the page that no text may put there
"""

from playwright.async_api import Page

from sockpanel.visible import HIDDEN

_HIDDEN = "".join(f"\\u{{{first:x}}}-\\u{{{last:x}}}" for first, last in HIDDEN)
_BLANKS = "\\n\\t"  # those of the templates themselves

WATCH = """
window.reports = [];
addEventListener("securitypolicyviolation", (event) => reports.push(`${event.violatedDirective} ${event.blockedURI}`));
"""

LOOK = rf"""() => {{
  const hidden = /[{_HIDDEN}]/u;
  const shown = (text) => [...text].filter((char) => !"{_BLANKS}".includes(char) && hidden.test(char)).map(code);
  const code = (char) => char.codePointAt(0).toString(16);
  const found = [];
  const say = (what) => found.push(what.slice(0, 200));
  if ("harmed" in window || "harmed" in Object.prototype) say("script of theirs has run");
  for (const report of window.reports ?? []) say(`policy: ${{report}}`);
  for (const node of document.querySelectorAll("*")) {{
    const name = node.localName;
    if (/^(object|embed|i?frame|video|audio|marquee|math|base|x-harm|foreignobject)$/i.test(name)) say(`element ${{name}}`);
    if (node.matches(".harm, [name=harm]")) say(`element of theirs: ${{node.outerHTML}}`);
    const isOurs = node.nonce || node.type === "application/json" || node.src?.startsWith(location.origin);
    if (name === "script" && !isOurs) say(`script: ${{node.outerHTML}}`);
    for (const {{ name: key, value }} of node.attributes) {{
      const isLink = /^(href|src|action|formaction|xlink:href)$/.test(key);
      const isShown = /^(title|alt|placeholder|label|data-label|aria-.*)$/.test(key);
      if (key.startsWith("on") || key === "srcdoc") say(`attribute ${{key}}=${{value}}`);
      if (isLink && /^\W*(javascript|vbscript|data:text)/i.test(value)) say(`link ${{value}}`);
      if (isShown && shown(value).length) say(`${{name}} ${{key}}: hides ${{shown(value)}}`);
    }}
  }}
  const texts = document.createTreeWalker(document, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {{
    const {{ data, parentElement }} = texts.currentNode;
    if (parentElement.localName === "textarea" || !shown(data).length) continue;
    say(`${{parentElement.localName}} ${{parentElement.className}}: hides ${{shown(data)}} in ${{data.trim()}}`);
  }}
  if (shown(document.title).length || /harm/.test(document.title)) say(`title ${{document.title}}`);
  return found;
}}"""


async def watch(page: Page) -> None:
    """Keep the reports of the content security policy from the next page on."""
    await page.add_init_script(WATCH)


async def harm(page: Page) -> list[str]:
    """What is wrong with the page that is open."""
    found: list[str] = await page.evaluate(LOOK)
    return found
