// What the chat page itself says, in the languages of the bot.
export const TEXTS = {
  en: {
    title: "Document assistant",
    idle: "bot on this machine",
    hintTitle: "Drop a document, ask about it",
    hintText:
      "A contract, a report, a spreadsheet, slides or a scan. The answer names the page. Nothing leaves this machine.",
    sample: "Try a lighthouse keeper’s report",
    attach: "Attach a file",
    commands: "Commands",
    ask: "Questions to try",
    write: "Write a question",
    send: "Send",
    drop: "Drop it here",
    stop: "Stop",
    typing: "typing …",
    lost: "connecting …",
    took: (ms) => ms < 1_000 ? `in ${Math.round(ms)} ms` : `in ${(ms / 1_000).toFixed(1)} s`,
  },
  ru: {
    title: "Помощник по документам",
    idle: "бот на этом компьютере",
    hintTitle: "Перетащите документ и спрашивайте",
    hintText:
      "Договор, отчёт, таблица, презентация или скан. Ответ назовёт место. С этого компьютера ничего не уходит.",
    sample: "Взять договор проката шара",
    attach: "Прикрепить файл",
    commands: "Команды",
    ask: "Что можно спросить",
    write: "Напишите вопрос",
    send: "Отправить",
    drop: "Бросайте сюда",
    stop: "Остановить",
    typing: "печатает …",
    lost: "соединяюсь …",
    took: (ms) =>
      ms < 1_000 ? `за ${Math.round(ms)} мс` : `за ${(ms / 1_000).toFixed(1).replace(".", ",")} с`,
  },
};
