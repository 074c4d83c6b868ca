// The chat page: shows what the Bot API server knows of the chat, and sends
// what the visitor types, drops or presses. Each language is a chat of its own.
import { onDrop } from "/drop.js";
import { element } from "/markdown.js";
import { messageNode } from "/messages.js";
import { TEXTS } from "/texts.js";

/** Telegram, too, forgets after this time that somebody typed. */
const TYPING_MS = 5_000;
const GAP_PX = 12;

const $ = (id) => document.getElementById(id);
let language = localStorage.getItem("language") ??
  (navigator.language.startsWith("ru") ? "ru" : "en");
let events;
let typingTimer;
/** The name of the sample file, and the questions to it. */
let sample = { name: "", questions: [] };

/** Sends to the chat of the language in use; says whether it arrived. */
async function post(path, body = {}) {
  const isForm = body instanceof FormData;
  try {
    const response = await fetch(`/chat/${language}/${path}`, {
      method: "POST",
      body: isForm ? body : JSON.stringify(body),
      headers: isForm ? {} : { "content-type": "application/json" },
    });
    return response.ok;
  } catch {
    setStatus(TEXTS[language].lost);
    return false;
  }
}

function setStatus(text) {
  clearTimeout(typingTimer);
  $("status").textContent = text;
}

function nodeFor(message) {
  const press = (data) => post("press", { id: message.id, data });
  return messageNode(message, {
    press,
    took: TEXTS[language].took,
    soundUrl: `/chat/${language}/sound/${message.id}`,
  });
}

function nodeOf(id) {
  return $("messages").querySelector(`[data-id="${id}"]`);
}

/** Brings the last message into view; of a long answer the beginning, under the question. */
function showLast() {
  const last = $("messages").lastElementChild;
  const before = last?.previousElementSibling;
  const first = before?.dataset.from === "user" ? before : last;
  if (first) $("chat").scrollTop = first.offsetTop - GAP_PX;
}

/** Offers the questions about the sample that were not asked yet, while it is the last file. */
function suggestQuestions() {
  const textsOf = (selector) =>
    [...$("messages").querySelectorAll(`.user ${selector}`)].map((node) => node.textContent);
  const asked = textsOf(".bubble");
  const questions = textsOf(".file").at(-1) === sample.name
    ? sample.questions.filter((question) => !asked.includes(question))
    : [];
  $("questions").replaceChildren(...questions.map((question) => {
    const button = element("button", [question], { type: "button", "data-testid": "question" });
    button.addEventListener("click", () => post("text", { text: question }));
    return button;
  }));
  $("questions").hidden = questions.length === 0;
}

/** What each event of the chat does to the page. */
const HANDLERS = {
  all({ messages }) {
    $("messages").replaceChildren(...messages.map(nodeFor));
    $("hint").hidden = messages.length > 0;
    suggestQuestions();
    showLast();
  },
  message({ message }) {
    if (message.from === "bot") {
      nodeOf("draft")?.remove();
      setStatus("");
    }
    $("messages").append(nodeFor(message));
    $("hint").hidden = true;
    if (message.from === "user") suggestQuestions();
    showLast();
  },
  edit({ message }) {
    const node = nodeOf(message.id);
    const isLast = node === $("messages").lastElementChild;
    node?.replaceWith(nodeFor(message));
    if (isLast) showLast();
  },
  delete({ id }) {
    nodeOf(id)?.remove();
  },
  draft({ text, format, stop }) {
    const buttons = stop === undefined ? [] : [[{ text: TEXTS[language].stop }]];
    const press = () => post("stop", { draft: stop });
    const node = messageNode({ id: "draft", from: "bot", text, format, buttons }, { press });
    node.classList.add("draft");
    nodeOf("draft")?.remove();
    $("messages").append(node);
    showLast();
  },
  typing() {
    setStatus(TEXTS[language].typing);
    typingTimer = setTimeout(() => setStatus(""), TYPING_MS);
  },
};

function connect() {
  events?.close();
  events = new EventSource(`/chat/${language}/events`);
  events.onopen = () => setStatus("");
  events.onerror = () => setStatus(TEXTS[language].lost);
  events.onmessage = ({ data }) => {
    const event = JSON.parse(data);
    HANDLERS[event.type]?.(event);
  };
}

async function useLanguage(chosen) {
  language = chosen;
  localStorage.setItem("language", chosen);
  document.documentElement.lang = chosen;
  const texts = TEXTS[chosen];
  document.title = texts.title;
  for (const node of document.querySelectorAll("[data-text]")) {
    node.textContent = texts[node.dataset.text];
  }
  for (const node of document.querySelectorAll("[data-title]")) {
    node.title = texts[node.dataset.title];
  }
  for (const node of document.querySelectorAll("[data-label]")) {
    node.setAttribute("aria-label", texts[node.dataset.label]);
  }
  for (const node of document.querySelectorAll(".languages button")) {
    node.setAttribute("aria-pressed", String(node.lang === chosen));
  }
  $("status").dataset.idle = texts.idle;
  $("text").placeholder = `${texts.write} …`;
  closeMenu();
  connect();
  const offer = await (await fetch(`/chat/${chosen}/sample`)).json();
  if (chosen !== language) return;
  sample = offer;
  suggestQuestions();
}

async function sendFiles(files) {
  for (const file of files) {
    const body = new FormData();
    body.append("file", file);
    await post("file", body);
  }
}

function closeMenu() {
  $("menu").hidden = true;
  $("commands").setAttribute("aria-expanded", "false");
}

async function openMenu() {
  const commands = await (await fetch(`/chat/${language}/menu`)).json();
  $("menu").replaceChildren(...commands.map(({ command, description }) => {
    const words = [element("b", [`/${command}`]), element("span", [description])];
    const button = element("button", words, { type: "button" });
    button.addEventListener("click", () => {
      closeMenu();
      $("text").focus();
      post("text", { text: `/${command}` });
    });
    return button;
  }));
  $("menu").hidden = false;
  $("commands").setAttribute("aria-expanded", "true");
  $("menu").firstElementChild?.focus();
}

$("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const text = $("text").value.trim();
  if (text === "") return;
  $("text").value = "";
  if (!await post("text", { text })) $("text").value = text;
});
$("text").addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  $("form").requestSubmit();
});
$("file").addEventListener("change", async ({ target }) => {
  await sendFiles(target.files);
  target.value = "";
});
$("sample").addEventListener("click", () => post("sample"));
$("commands").addEventListener("click", () => $("menu").hidden ? openMenu() : closeMenu());
document.addEventListener("keydown", ({ key }) => {
  if (key !== "Escape" || $("menu").hidden) return;
  closeMenu();
  $("commands").focus();
});
document.addEventListener("click", ({ target }) => {
  if (!$("menu").contains(target) && !$("commands").contains(target)) closeMenu();
});
for (const button of document.querySelectorAll(".languages button")) {
  button.addEventListener("click", () => useLanguage(button.lang));
}
onDrop($("drop"), sendFiles);
useLanguage(language === "ru" ? "ru" : "en");
