/**
 * What is looked for when a question is asked: its own words without those that
 * only say how to answer, and the words of what it asks about. A "quick ratio"
 * stands in no balance sheet; the current assets it is computed from do.
 */
import { termsOf } from "./terms.ts";

/** Orders to whoever answers; they would match passages that have nothing to do with it. */
const INSTRUCTIONS = [
  /\bif [^.?!]*\bthen state\b[^.?!]*[.?!]?/gi,
  /\b(?:please )?(?:round|give|state|answer|express)\b[^.?!,]*\b(?:decimals?|places?|percent(?:age)?|millions?|billions?|thousands?|terms?)\b[^.?!,]*[.?!,]?/gi,
  /(?:^|[\s,.(])(?:округлите|ответьте|дайте ответ|укажите ответ)[^.?!,]*(?:знак|процент|тысяч|миллион|миллиард|рубл|коротко|кратко)[^.?!,]*[.?!,]?/gi,
];

/** Figures of a report by what they are computed from, as their statements name it. */
const GLOSSARY: readonly (readonly [asked: RegExp, found: string])[] = [
  [
    /\b(?:quick|acid[- ]test) ratio|\bliquidity\b/i,
    "total current assets current liabilities inventories cash equivalents receivables balance sheets",
  ],
  [
    /\bcurrent ratio|\bworking capital\b/i,
    "total current assets current liabilities balance sheets",
  ],
  [
    /\bgross (?:profit|margin)/i,
    "gross profit net sales revenue cost of sales statements of income",
  ],
  [
    /\b(?:operating|ebit|profit) margin|\boperating (?:income|profit)/i,
    "operating income net sales revenue earnings from operations statements of income",
  ],
  [/\bnet (?:profit )?margin|\bnet income|\bprofitab/i, "net income earnings net sales revenue"],
  [/\bebitda?\b/i, "operating income earnings depreciation amortization interest taxes"],
  [/\bpp(?:n|&)?e\b|\bfixed assets?\b/i, "property plant equipment net balance sheets"],
  [
    /\bcap(?:ital )?ex(?:penditures?)?\b/i,
    "capital expenditures purchases additions property plant equipment investing cash flows",
  ],
  [
    /\breturn on\b|\bro(?:a|e|ce|ic)\b|\binvested capital\b/i,
    "net income operating income total assets shareholders equity debt balance sheets",
  ],
  [
    /\b(?:leverage|capitali[sz]ation ratio|debt[- ]to|debt ratio)\b/i,
    "long-term debt current portion short-term borrowings total shareholders equity balance sheets",
  ],
  [/\binterest (?:coverage|to)\b/i, "interest expense operating income total debt"],
  [
    /\b(?:effective )?tax (?:rate|ratio)\b/i,
    "income tax expense income before income taxes provision",
  ],
  [
    /\bcash flows?\b/i,
    "net cash provided by used in operating investing financing activities statements of cash flows",
  ],
  [/\bfree cash flow\b/i, "net cash provided by operating activities capital expenditures"],
  [
    /\binventory turnover|\bdays (?:of )?inventory|\bdio\b/i,
    "inventories cost of goods sold sales",
  ],
  [/\breceivables? turnover|\bdays sales|\bdso\b/i, "accounts receivable net sales revenue"],
  [/\bpayables? turnover|\bdays payable|\bdpo\b/i, "accounts payable cost of goods sold purchases"],
  [/\basset turnover\b/i, "total assets net sales revenue"],
  [/\beps\b|\bearnings per share\b/i, "basic diluted earnings per share weighted average shares"],
  [/\bdividend/i, "dividends declared paid per share cash dividends payout"],
  [/\bacqui(?:red?|sitions?)\b|\bm&a\b|\bmerger/i, "acquisitions acquired purchase consideration"],
  [/\b(?:buybacks?|repurchase)/i, "share repurchase program repurchased treasury stock"],
  [/\br&d\b|\bresearch and development\b/i, "research and development expenses"],
  [/\bsg&?a\b/i, "selling general administrative expenses"],
  [
    /\blegal (?:battles?|proceedings?|matters?)|\blitigation|\blawsuits?/i,
    "legal proceedings litigation lawsuits claims court",
  ],
  [/\bheadcount|\bhow many (?:employees|people)/i, "employees full-time part-time workforce"],
  [
    /(?:^|\s)(?:валов\S* прибыл|валов\S* рентабельност)/i,
    "валовая прибыль выручка себестоимость продаж отчет о финансовых результатах",
  ],
  [
    /рентабельност\S* (?:продаж|выручк)|операционн\S* (?:прибыл|рентабельност)/i,
    "прибыль от продаж операционная прибыль выручка",
  ],
  [
    /рентабельност\S* (?:актив|капитал)/i,
    "чистая прибыль итого активы собственный капитал бухгалтерский баланс",
  ],
  [
    /ликвидност|оборотн\S* капитал/i,
    "оборотные активы краткосрочные обязательства запасы денежные средства баланс",
  ],
  [
    /долгов\S* нагрузк|финансов\S* рычаг|левередж/i,
    "долгосрочные краткосрочные заемные средства кредиты займы капитал",
  ],
  [
    /капитальн\S* (?:вложени|затрат|расход)|капекс/i,
    "приобретение основных средств капитальные вложения инвестиционная деятельность",
  ],
  [
    /денежн\S* поток/i,
    "денежные потоки операционная инвестиционная финансовая деятельность чистые денежные средства",
  ],
  [/\bebitda\b|ебитда/i, "прибыль до налогообложения амортизация проценты"],
  [/эффективн\S* (?:налог|ставк)/i, "налог на прибыль прибыль до налогообложения"],
];

/** What is searched for, as terms that are each there once. */
export interface SearchedTerms {
  /** Of the question itself. */
  own: readonly string[];
  /** Of what it asks about, as a document words it. */
  added: readonly string[];
}

/** The terms of a question. */
export function searchedTerms(question: string): SearchedTerms {
  let bare = question;
  for (const instruction of INSTRUCTIONS) bare = bare.replace(instruction, " ");
  if (!/[\p{L}\p{N}]/u.test(bare)) bare = question;
  const own = new Set(termsOf(bare));
  const words = GLOSSARY.filter(([asked]) => asked.test(bare)).map(([, found]) => found);
  return { own: [...own], added: [...new Set(termsOf(words.join("\n"))).difference(own)] };
}
