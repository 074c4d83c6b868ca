// The chat page: shows what the Bot API server knows of the chat, and sends
// what the visitor types, drops or presses. Each language is a chat of its own.
import { render } from "/markdown.js";

const TEXTS = {
  en: {
    title: "Document assistant",
    hintTitle: "Drop a document, ask about it",
    hintText:
      "A PDF, a Word file or a text. The answer names the page. Nothing leaves this machine.",
    sample: "Use the sample: a lighthouse keeper’s report",
    attach: "Attach a file",
    commands: "Commands",
    write: "Write a question",
    send: "Send",
    drop: "Drop it here",
    typing: "typing …",
    lost: "connecting …",
    questions: [
      "What notice period applies to an engagement?",
      "How strong was the strongest wind?",
      "How much was spent on cat food?",
    ],
  },
  ru: {
    title: "Помощник по документам",
    hintTitle: "Перетащите документ и спрашивайте",
    hintText: "PDF, Word или текст. Ответ назовёт место. С этого компьютера ничего не уходит.",
    sample: "Взять образец: прокат воздушного шара",
    attach: "Прикрепить файл",
    commands: "Команды",
    write: "Напишите вопрос",
    send: "Отправить",
    drop: "Бросайте сюда",
    typing: "печатает …",
    lost: "соединяюсь …",
    questions: [
      "Какой залог вносит пилот?",
      "При каком ветре нельзя поднимать шар?",
      "Кто отвечает за чужие пикники?",
    ],
  },
};
const TYPING_MS = 5_000;

const $ = (id) => document.getElementById(id);
let language = localStorage.getItem("language") ??
  (navigator.language.startsWith("ru") ? "ru" : "en");
let events;
let typingTimer;

/** Sends to the chat of the language in use. */
function post(path, body) {
  const isForm = body instanceof FormData;
  return fetch(`/chat/${language}/${path}`, {
    method: "POST",
    body: isForm ? body : JSON.stringify(body ?? {}),
    headers: isForm ? {} : { "content-type": "application/json" },
  });
}

function setStatus(text) {
  $("status").textContent = text;
}

function showTyping() {
  setStatus(TEXTS[language].typing);
  clearTimeout(typingTimer);
  typingTimer = setTimeout(() => setStatus(""), TYPING_MS);
}

function messageNode({ id, from, text, format, buttons, file, ms }) {
  const node = document.createElement("li");
  node.className = `message ${from}`;
  node.dataset.testid = "message";
  node.dataset.from = from;
  node.dataset.id = id;
  const bubble = document.createElement("div");
  bubble.className = "bubble";
  if (file) {
    const attachment = document.createElement("div");
    attachment.className = "file";
    const icon = document.createElement("span");
    icon.textContent = "📄";
    attachment.append(icon, file);
    bubble.append(attachment);
  }
  if (text) bubble.append(...render(text, format));
  if (from === "bot" && ms !== undefined) {
    const meta = document.createElement("div");
    meta.className = "meta";
    meta.textContent = ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
    bubble.append(meta);
  }
  node.append(bubble);
  if (buttons?.length) node.append(buttonRows(id, buttons));
  return node;
}

function buttonRows(id, rows) {
  const box = document.createElement("div");
  box.className = "buttons";
  for (const row of rows) {
    const line = document.createElement("div");
    for (const { text, data } of row) {
      const button = document.createElement("button");
      button.type = "button";
      button.dataset.testid = "button";
      button.textContent = text;
      button.addEventListener("click", () => post("press", { id, data }));
      line.append(button);
    }
    box.append(line);
  }
  return box;
}

function nodeOf(id) {
  return $("messages").querySelector(`[data-id="${id}"]`);
}

function scrollDown() {
  $("chat").scrollTop = $("chat").scrollHeight;
}

/** What each event of the chat does to the page. */
const HANDLERS = {
  all({ messages }) {
    $("messages").replaceChildren(...messages.map(messageNode));
    $("hint").hidden = messages.length > 0;
  },
  message({ message }) {
    nodeOf("draft")?.remove();
    $("messages").append(messageNode(message));
    $("hint").hidden = true;
    if (message.from === "bot") {
      clearTimeout(typingTimer);
      setStatus("");
    }
  },
  edit({ message }) {
    nodeOf(message.id)?.replaceWith(messageNode(message));
  },
  delete({ id }) {
    nodeOf(id)?.remove();
  },
  draft({ text, format }) {
    const node = messageNode({ id: "draft", from: "bot", text, format });
    node.classList.add("draft");
    nodeOf("draft")?.remove();
    $("messages").append(node);
  },
  typing: showTyping,
};

function connect() {
  events?.close();
  events = new EventSource(`/chat/${language}/events`);
  events.onopen = () => setStatus("");
  events.onerror = () => setStatus(TEXTS[language].lost);
  events.onmessage = ({ data }) => {
    const event = JSON.parse(data);
    HANDLERS[event.type]?.(event);
    scrollDown();
  };
}

function useLanguage(chosen) {
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
    node.setAttribute("aria-label", texts[node.dataset.title]);
  }
  for (const node of document.querySelectorAll("[data-language]")) {
    node.setAttribute("aria-pressed", String(node.dataset.language === chosen));
  }
  $("text").placeholder = `${texts.write} …`;
  $("questions").replaceChildren();
  connect();
}

async function sendFiles(files) {
  for (const file of files) {
    const body = new FormData();
    body.append("file", file);
    await post("file", body);
  }
}

function sendText(text) {
  if (text.trim() !== "") post("text", { text: text.trim() });
}

function suggestQuestions() {
  const items = TEXTS[language].questions.map((question) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = question;
    button.addEventListener("click", () => sendText(question));
    const item = document.createElement("li");
    item.append(button);
    return item;
  });
  $("questions").replaceChildren(...items);
}

async function toggleMenu() {
  const menu = $("menu");
  const opens = menu.hidden;
  if (opens) {
    const commands = await (await fetch(`/chat/${language}/menu`)).json();
    menu.replaceChildren(...commands.map(({ command, description }) => {
      const button = document.createElement("button");
      button.type = "button";
      const name = document.createElement("b");
      name.textContent = `/${command}`;
      const line = document.createElement("span");
      line.textContent = description;
      button.append(name, line);
      button.addEventListener("click", () => {
        menu.hidden = true;
        sendText(`/${command}`);
      });
      return button;
    }));
  }
  menu.hidden = !opens;
  $("commands").setAttribute("aria-expanded", String(opens));
}

$("form").addEventListener("submit", (event) => {
  event.preventDefault();
  sendText($("text").value);
  $("text").value = "";
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
$("sample").addEventListener("click", async () => {
  await post("sample");
  suggestQuestions();
  $("hint").hidden = false;
  $("sample").hidden = true;
});
$("commands").addEventListener("click", toggleMenu);
document.addEventListener("keydown", ({ key }) => {
  if (key === "Escape") $("menu").hidden = true;
});
for (const button of document.querySelectorAll("[data-language]")) {
  button.addEventListener("click", () => useLanguage(button.dataset.language));
}
for (const type of ["dragenter", "dragover"]) {
  document.addEventListener(type, (event) => {
    event.preventDefault();
    $("drop").hidden = false;
  });
}
for (const type of ["dragleave", "drop"]) {
  document.addEventListener(type, (event) => {
    event.preventDefault();
    if (type === "drop" || event.relatedTarget === null) $("drop").hidden = true;
  });
}
document.addEventListener("drop", ({ dataTransfer }) => sendFiles(dataTransfer.files));
useLanguage(language === "ru" ? "ru" : "en");
