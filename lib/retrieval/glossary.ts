/**
 * What is asked about, by the words that a document has for it: a "quick ratio"
 * stands in no balance sheet, and no contract says who its parties are. A few of
 * an entry's words are enough to find the place.
 */

/** A question that matches is searched for by these words as well. */
export type Entry = readonly [asked: RegExp, found: string];

/** Figures of a report, by what they are computed from. */
const FIGURES: readonly Entry[] = [
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
];

/** What else is asked about companies: their statements, their lines, their business. */
const REPORTS: readonly Entry[] = [
  [
    /\b(?:p&l|profit and loss|(?:income|earnings|operations) statements?|statements? of (?:income|earnings|operations))/i,
    "consolidated statements of income operations earnings net sales revenue",
  ],
  [
    /\bbalance sheets?\b|\bfinancial position\b/i,
    "consolidated balance sheets total assets liabilities equity",
  ],
  [
    /\b(?:goodwill|intangibles?|(?:total|current) (?:assets|liabilities)|accounts (?:payable|receivable)|inventor(?:y|ies)|retained earnings|cash equivalents|long-term debt)\b/i,
    "consolidated balance sheets total current assets",
  ],
  [
    /\b(?:total|net|annual) (?:revenues?|sales)\b|\b(?:revenues?|sales) (?:growth|change)/i,
    "net sales total revenues statements of income operations",
  ],
  [/\bcogs\b/i, "cost of goods sold sales"],
  [/\bd&a\b|\bdepreciation\b/i, "depreciation amortization statements of cash flows"],
  [/\bcapital[- ]intensive/i, "capital expenditures property plant equipment total assets revenue"],
  [/\bcash conversion cycle\b/i, "receivables inventories accounts payable cost of sales"],
  [/\bcustomers?\b/i, "customers accounted for percent of revenue significant portion"],
  [/\bindustr(?:y|ies)\b|\bproducts and services\b/i, "business overview leader products services"],
  [
    /\bsegments?\b|\bgeograph|\b(?:product|service) categor/i,
    "segment information revenues by segment geographic percent of total",
  ],
  [/\b(?:drove|drivers?|driven)\b/i, "primarily due to increase decrease offset"],
];

/** What is asked about a contract, as contracts are worded. */
const CONTRACTS: readonly Entry[] = [
  [
    /\bparties\b|\bwho (?:has )?signed\b/i,
    "party parties individually collectively referred agreement made entered",
  ],
  [/\b(?:agreement|effective|signing) date\b/i, "agreement made entered dated effective date"],
  [
    /\bexpir\w*|\binitial term\b|\bhow long\b.*\b(?:agreement|contract)\b/i,
    "term commence effective date continue until expire years anniversary",
  ],
  [/\brenew\w*/i, "term automatically renew successive periods unless notice prior expiration"],
  [
    /\btermination\b|\bterminate\b/i,
    "terminate agreement any time upon days prior written notice",
  ],
  [
    /\bpost-termination\b|\bafter (?:the )?(?:termination|expir)/i,
    "upon termination expiration survive transition cease return wind-down",
  ],
  [/\bgoverning law\b|\bwh(?:ich|at)\b.*\blaws?\b/i, "governed construed accordance laws of state"],
  [/\bdisputes?\b|\barbitrat|\bjurisdiction/i, "dispute arbitration courts jurisdiction venue"],
  [
    /\b(?:anti-)?assign(?:ed|ment)?\b/i,
    "assign assignment transfer agreement without prior written consent successors",
  ],
  [/\bchange of control\b/i, "change of control merger sale substantially all assets voting"],
  [
    /\bnon-?compet\w*|\bexclusiv\w*|\bno-?solicit\w*/i,
    "exclusive compete competing solicit shall not directly indirectly",
  ],
  [/\bmost favou?red\b/i, "favorable terms prices no less than third party lower"],
  [
    /\bfirst (?:refusal|offer|negotiation)\b|\brof[rno]\b/i,
    "right of first refusal offer negotiation",
  ],
  [
    /\b(?:revenue|profit)s?\W+(?:profit )?shar/i,
    "share net revenues percent royalty royalties payment pay",
  ],
  [/\bprice restriction|\bprice increase/i, "prices increase fees exceed annual percent notice"],
  [/\bminimum (?:commitment|order|purchase)/i, "minimum purchase quantity order least"],
  [/\bvolume restriction\b|\bthreshold\b/i, "exceed excess additional quantity fee consent"],
  [/\bnon-?transferable\b/i, "non-transferable nontransferable sublicense transfer"],
  [/\baffiliates?\b/i, "affiliates licensee sublicense rights granted"],
  [/\birrevocable\b|\bperpetual\b/i, "perpetual irrevocable worldwide royalty-free fully paid"],
  [/\bunlimited\b/i, "unlimited enterprise-wide any number"],
  [/\bjoint(?:ly)?\b.*\bown/i, "jointly owned own joint right title interest"],
  [
    /\b(?:ip|intellectual property)\b/i,
    "intellectual property right title interest owned assigns inventions",
  ],
  [/\bsource code\b|\bescrow\b/i, "source code escrow agent release deposit"],
  [/\baudits?\b/i, "audit inspect books records accountants"],
  [
    /\bcap on liability\b|\b(?:uncapped|limit\w*(?: of| on)?) liability\b/i,
    "in no event liable damages indirect consequential exceed aggregate amount",
  ],
  [/\bliquidated damages\b|\bpenalt(?:y|ies)\b/i, "liquidated damages fee penalty breach pay"],
  [/\bwarrant(?:y|ies)\b/i, "warrants warranty period days months defects conform"],
  [/\binsurance\b/i, "insurance coverage policy maintain insured"],
  [/\bcovenant not to sue\b/i, "not contest challenge validity ownership claim"],
  [/\bthird[- ]party beneficiar/i, "third party beneficiary beneficiaries rights benefit"],
];

/** The same in Russian, with the words of English reports: what is asked in Russian may stand in one. */
const RUSSIAN: readonly Entry[] = [
  [
    /(?:^|\s)(?:валов\S* прибыл|валов\S* рентабельност)/i,
    "валовая прибыль выручка себестоимость продаж отчет о финансовых результатах gross profit net sales revenue cost of sales statements of income",
  ],
  [
    /рентабельност\S* (?:продаж|выручк)|операционн\S* (?:прибыл|рентабельност)/i,
    "прибыль от продаж операционная прибыль выручка operating income net sales revenue statements of income",
  ],
  [
    /рентабельност\S* (?:актив|капитал)/i,
    "чистая прибыль итого активы собственный капитал бухгалтерский баланс net income total assets shareholders equity",
  ],
  [
    /ликвидност|оборотн\S* капитал/i,
    "оборотные активы краткосрочные обязательства запасы денежные средства баланс total current assets liabilities inventories cash equivalents balance sheets",
  ],
  [
    /долгов\S* нагрузк|финансов\S* рычаг|левередж/i,
    "долгосрочные краткосрочные заемные средства кредиты займы капитал long-term debt short-term borrowings equity",
  ],
  [
    /капитальн\S* (?:вложени|затрат|расход)|капекс/i,
    "приобретение основных средств капитальные вложения инвестиционная деятельность capital expenditures property plant equipment",
  ],
  [
    /денежн\S* поток/i,
    "денежные потоки операционная инвестиционная финансовая деятельность чистые денежные средства net cash operating investing financing activities",
  ],
  [
    /\bebitda\b|ебитда/i,
    "прибыль до налогообложения амортизация проценты operating income depreciation amortization interest taxes",
  ],
  [
    /эффективн\S* (?:налог|ставк)/i,
    "налог на прибыль прибыль до налогообложения income tax expense income before income taxes provision",
  ],
  [
    /(?:^|\s)сторон(?:ы|ами) (?:договора|контракта)/i,
    "именуемое в дальнейшем с одной стороны с другой стороны заключили",
  ],
  [/срок\S* (?:действия )?договора/i, "договор вступает в силу действует до срок действия"],
  [/расторж|расторгнуть/i, "расторгнуть договор односторонний отказ уведомление за дней"],
  [/продл[еи]|пролонгац/i, "договор считается продленным на тот же срок уведомит"],
  [
    /штраф|неустойк|(?:^|\s)пен[ияю](?![а-я])/i,
    "неустойка пени штраф процент от суммы за каждый день просрочки",
  ],
  [/подсудност|применимо\S* прав/i, "споры разрешаются арбитражный суд законодательство"],
];

/** All that is known of what is asked about. */
export const GLOSSARY: readonly Entry[] = [...FIGURES, ...REPORTS, ...CONTRACTS, ...RUSSIAN];
