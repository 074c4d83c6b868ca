// Shows what the bot sends: Markdown of rich messages and Telegram's HTML, both
// as nodes of the page. No text of a document is ever parsed as the page's HTML.

const BLOCK_TAGS = { pre: "pre", blockquote: "blockquote" };
const INLINE_TAGS = {
  b: "b",
  strong: "b",
  i: "i",
  em: "i",
  u: "u",
  s: "s",
  strike: "s",
  del: "s",
  ins: "u",
  code: "code",
  a: "a",
};

/** Nodes for a message's text in the given format. */
export function render(text, format) {
  if (format === "html") return fromHtml(text);
  if (format === "markdown") return fromMarkdown(text);
  return [element("p", [text])];
}

/** A node with children and attributes; texts among the children stay texts. */
export function element(tag, children, attributes = {}) {
  const node = document.createElement(tag);
  node.append(...children);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

/** Telegram's HTML is small and already checked by the server; unknown tags show as text. */
function fromHtml(html) {
  const root = element("div", []);
  const open = [root];
  for (const [whole, slash, tag, rest] of html.matchAll(/<(\/?)([\w-]+)([^>]*)>|[^<]+|</g)) {
    const top = open.at(-1);
    const name = BLOCK_TAGS[tag] ?? INLINE_TAGS[tag];
    if (name === undefined) top.append(unescapeHtml(whole));
    else if (slash) {
      if (open.length > 1) open.pop();
    } else {
      const href = /href="([^"]*)"/.exec(rest)?.[1];
      const node = element(name, [], href ? linkAttributes(unescapeHtml(href)) : {});
      top.append(node);
      open.push(node);
    }
  }
  return inParagraphs([...root.childNodes]);
}

/** What stands between blocks becomes paragraphs, without the empty lines around the blocks. */
function inParagraphs(nodes) {
  const blocks = [];
  let paragraph;
  for (const node of nodes) {
    if (Object.hasOwn(BLOCK_TAGS, node.localName ?? "")) {
      blocks.push(node);
      paragraph = undefined;
    } else {
      if (paragraph === undefined) blocks.push(paragraph = element("p", []));
      paragraph.append(node);
    }
  }
  for (const { firstChild, lastChild } of blocks) {
    if (firstChild instanceof Text) firstChild.data = firstChild.data.trimStart();
    if (lastChild instanceof Text) lastChild.data = lastChild.data.trimEnd();
  }
  return blocks.filter((block) => block.textContent !== "");
}

function unescapeHtml(text) {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"')
    .replaceAll("&amp;", "&");
}

function linkAttributes(href) {
  const safe = /^(https?|mailto):/i.test(href) ? href : "#";
  return { href: safe, rel: "noopener noreferrer", target: "_blank" };
}

function fromMarkdown(text) {
  const nodes = [];
  const lines = text.split("\n");
  for (let at = 0; at < lines.length;) {
    const take = (pattern) => {
      const taken = [];
      while (at < lines.length && pattern.test(lines[at])) taken.push(lines[at++]);
      return taken;
    };
    const line = lines[at];
    const heading = /^(#{1,6}) +(.*)$/.exec(line);
    if (line.trim() === "") at++;
    else if (heading) {
      nodes.push(element(`h${Math.min(heading[1].length, 3)}`, inline(heading[2])));
      at++;
    } else if (line.startsWith("```")) {
      at++;
      const code = take(/^(?!```)/);
      at++;
      nodes.push(element("pre", [code.join("\n")]));
    } else if (line.startsWith(">")) {
      const quoted = take(/^>/).map((each) => each.replace(/^> ?/, "")).join("\n");
      nodes.push(element("blockquote", inline(quoted)));
    } else if (/^\s*([-*•]|\d+[.)]) /.test(line)) {
      const ordered = /^\s*\d/.test(line);
      const items = take(/^\s*([-*•]|\d+[.)]) |^\s+\S/);
      const item = (each) => element("li", inline(each.replace(/^\s*([-*•]|\d+[.)]) /, "")));
      nodes.push(element(ordered ? "ol" : "ul", items.map(item)));
    } else if (line.includes("|") && /^[\s|:-]+$/.test(lines[at + 1] ?? "")) {
      nodes.push(table(take(/\|/)));
    } else nodes.push(element("p", inline(take(/^(?!#{1,6} |```|>)\s*\S/).join("\n"))));
  }
  return nodes;
}

function table([head, rule, ...rows]) {
  const cells = (row) => row.trim().replace(/^\||\|$/g, "").split("|").map((cell) => cell.trim());
  const alignments = cells(rule).map((cell) => cell.endsWith(":") ? "end" : "start");
  const line = (tag) => (row) =>
    element(
      "tr",
      cells(row).map((cell, at) =>
        element(tag, inline(cell), { class: alignments[at] ?? "start" })
      ),
    );
  // Too wide a table scrolls on its own.
  return element("div", [element("table", [line("th")(head), ...rows.map(line("td"))])], {
    class: "wide",
    tabindex: "0",
  });
}

/** Bold, italic, struck, code, links and escapes; the rest is text. */
function inline(text) {
  const nodes = [];
  const pattern =
    /\\([!-/:-@[-`{-~])|\*\*(.+?)\*\*|~~(.+?)~~|`([^`]+)`|\[([^\]]*)\]\(([^)\s]+)\)|(?<!\w)[*_]([^*_]+)[*_](?!\w)/gs;
  let last = 0;
  for (const match of text.matchAll(pattern)) {
    const [whole, escaped, bold, struck, code, label, href, italic] = match;
    nodes.push(text.slice(last, match.index));
    last = match.index + whole.length;
    if (escaped !== undefined) nodes.push(escaped);
    else if (bold !== undefined) nodes.push(element("b", inline(bold)));
    else if (struck !== undefined) nodes.push(element("s", inline(struck)));
    else if (code !== undefined) nodes.push(element("code", [code]));
    else if (href !== undefined) nodes.push(element("a", inline(label), linkAttributes(href)));
    else nodes.push(element("i", inline(italic)));
  }
  nodes.push(text.slice(last));
  return nodes;
}
