// The chat as nodes of the page: bubbles with text, file, buttons and the time that they took.
import { element, render } from "/markdown.js";

const FILE_ICON = "M7 3h7l4 4v14H7zM14 3v4h4M10 12h5M10 16h5";
const SVG = "http://www.w3.org/2000/svg";

/**
 * A bubble; `press` is called with the data of a button, `took` words the time of
 * an answer, `soundUrl` is where a sound is played from.
 */
export function messageNode(message, { press, took, soundUrl }) {
  const { id, from, text, format, buttons, file, sound, ms } = message;
  const bubble = element("div", [], { class: "bubble" });
  if (file) bubble.append(element("div", [fileIcon(), file], { class: "file" }));
  if (sound) bubble.append(element("audio", [], { src: soundUrl, controls: "" }));
  if (text) bubble.append(...render(text, format));
  if (from === "bot" && ms !== undefined) {
    bubble.append(element("div", [took(ms)], { class: "meta" }));
  }
  const attributes = { class: `message ${from}`, "data-testid": "message" };
  const node = element("li", [bubble], { ...attributes, "data-from": from, "data-id": id });
  if (buttons?.length) node.append(buttonRows(buttons, press));
  return node;
}

function buttonRows(rows, press) {
  const lines = rows.map((row) =>
    element(
      "div",
      row.map(({ text, data }) => {
        const button = element("button", [text], { type: "button", "data-testid": "button" });
        button.addEventListener("click", () => press(data));
        return button;
      }),
    )
  );
  return element("div", lines, { class: "buttons" });
}

function fileIcon() {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", FILE_ICON);
  svg.append(path);
  return element("span", [svg]);
}
