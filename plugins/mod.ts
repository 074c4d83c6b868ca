/** The built-in plugins. A new one is its file and a line here. */
import recording from "./audio/recording.ts";
import clear from "./commands/clear.ts";
import language from "./commands/language.ts";
import mydocs from "./commands/mydocs.ts";
import start from "./commands/start.ts";
import stats from "./commands/stats.ts";
import archive from "./documents/archive.ts";
import delimited from "./documents/delimited.ts";
import docx from "./documents/docx.ts";
import epub from "./documents/epub.ts";
import html from "./documents/html.ts";
import image from "./documents/image.ts";
import locked from "./documents/locked.ts";
import mail from "./documents/mail.ts";
import odf from "./documents/odf.ts";
import pdf from "./documents/pdf.ts";
import pptx from "./documents/pptx.ts";
import receive from "./documents/receive.ts";
import rtf from "./documents/rtf.ts";
import spreadsheet from "./documents/spreadsheet.ts";
import text from "./documents/text.ts";
import word from "./documents/word.ts";
import sentence from "./errors/sentence.ts";
import link from "./web/link.ts";
import type { Plugin } from "./plugin.ts";
import answer from "./questions/answer.ts";
import citedPage from "./questions/cited_page.ts";
import requests from "./questions/requests.ts";
import speak from "./questions/speak.ts";

/** In the order in which they are listed in `/help` and asked for what they claim. */
export const builtIn: readonly Plugin[] = [
  start,
  mydocs,
  stats,
  clear,
  language,
  receive,
  pdf,
  docx,
  odf,
  rtf,
  word,
  spreadsheet,
  delimited,
  pptx,
  epub,
  html,
  mail,
  text,
  image,
  archive,
  locked,
  recording,
  link,
  requests,
  answer,
  citedPage,
  speak,
  sentence,
];
