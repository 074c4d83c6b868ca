# What the bot says in English. Markdown; arguments arrive escaped.

start = **I answer questions about your documents, and name the page.**

    Send me a contract, a report, a spreadsheet, slides, a scan or a link. Then ask about it, in English or Russian.
    { $extensions }
start-formats = I read { $list } files, up to { $megabytes } MB.
start-hears = I hear as well: ask by voice, or send a recording (MP3, WAV, OGG, M4A, MP4) and ask about it.

help-title = **What I understand**
help-outro = Everything else is a question about the active document. Send a file to make it the active one.

command-start = What this bot does
command-help = All commands
command-mydocs = Your documents: choose, delete
command-stats = What you have used so far
command-clear = Forget our conversation
command-language = Change the language

file-size = { $size } { $unit ->
    [MB] MB
    [KB] KB
   *[B] bytes
}
unit-count = { $count } { $unit ->
    [page] { $count ->
        [one] page
       *[other] pages
    }
    [sheet] { $count ->
        [one] sheet
       *[other] sheets
    }
    [slide] { $count ->
        [one] slide
       *[other] slides
    }
    [chapter] { $count ->
        [one] chapter
       *[other] chapters
    }
    [minute] { $count ->
        [one] minute
       *[other] minutes
    }
   *[part] { $count ->
        [one] part
       *[other] parts
    }
}

document-reading = Reading **{ $name }** …
document-scanning = Reading **{ $name }** … scanned pages, { $done } of { $of }
document-indexing = Reading **{ $name }** … almost there
document-listening = Listening to **{ $name }** …
document-listening-part = Listening to **{ $name }** … part { $part } of { $of }
document-ready = ✅ **{ $name }** is ready: { $pages }. Ask me about it.
document-known = ✅ **{ $name }** is ready: I know this file already ({ $pages }). Ask me about it.

document-unread = I could not make out { $pages } of it.
button-cancel = Cancel

refused-cancelled = Cancelled: I do not read **{ $name }**.
refused-library_full = I cannot take **{ $name }**: you have as many documents as I may keep. Delete one in /mydocs and send it again.
refused-unsupported = I cannot use **{ $name }**: I read { $list } files. Save it as one of these and send it again.
refused-empty = I cannot use **{ $name }**: there is nothing in it.
refused-no_text = I cannot use **{ $name }**: its pages are blank.
refused-unreadable = I cannot use **{ $name }**: its pages are pictures, and I cannot make out any letters on them. Send a sharper scan or photo.
refused-encrypted = I cannot use **{ $name }**: it is protected by a password. Remove the protection and send it again.
refused-damaged = I cannot use **{ $name }**: the file is damaged. Export it anew and send it again.
refused-too_large = I cannot use **{ $name }**: it holds more than I can read. Send a part of it.
refused-too_slow = I cannot use **{ $name }**: it takes too long to read. Send a part of it.
refused-too_complex = I cannot use **{ $name }**: it is too complex to read safely. Save it as a plain PDF and send it again.
refused-too_long = I cannot take **{ $name }**: it is longer than the six hours that I can listen to. Send a part of it.
refused-uncuttable = I cannot take **{ $name }**: it is too large to be heard at once, and I cannot cut this format. Send it as MP3, M4A, WAV or OGG, or a part of it.
refused-speechless = I cannot use **{ $name }**: I hear nobody speak in it.
refused-unheard_offline = I cannot listen to **{ $name }**: no AI is configured. Please write instead.
refused-unheard_cannot_hear = I cannot listen to **{ $name }**: the AI that is configured cannot hear. Please write instead.
refused-unheard_unfit = I cannot listen to **{ $name }**: the AI does not take this recording. Send it as MP3, WAV or OGG.
refused-unheard_unavailable = I cannot listen to **{ $name }**: the AI does not answer just now. Please send it again later.
refused-unheard_rate_limit = I cannot listen to **{ $name }**: the AI has too many requests just now. Please send it again in a few minutes.
refused-unheard_quota = I cannot listen to **{ $name }**: the AI's quota is used up. Please send it again tomorrow.
refused-unheard_blocked = I cannot use **{ $name }**: the AI refused to write down what is said in it.
refused-unheard_timeout = I cannot listen to **{ $name }**: the AI took too long. Send it again later, or a part of it.

file-too-large = This file is too large: I take files up to { $megabytes } MB. Send a part of it, or a smaller version.
voice-name = your voice note
voice-listening = 🎤 Listening …
voice-long = This is too long for a question. Send it as an audio file, and I keep it as a document that you can ask about.
audio-unsupported = I cannot listen to voice notes or recordings: no AI that can hear is configured. Please write your question.

mydocs-empty = You have no documents yet. Send me a file.
mydocs-title = **Your documents** ({ $count }). Tap one to ask about it alone.
mydocs-active = Active now: **{ $name }**
mydocs-several = Active now: { $count } documents together
mydocs-tap-several = Tap the documents that I shall search together.
mydocs-all-chosen = Now active: all { $count } documents. Ask me about them.
button-several = ☑ Several
button-all = All of them
button-done = Done
mydocs-chosen = Now active: **{ $name }** ({ $pages }). Ask me about it.
mydocs-delete-question = Delete **{ $name }** with all that I have read of it?
mydocs-deleted = 🗑 **{ $name }** is deleted.
button-original = ⬇ The file itself
original-not-kept = I have not kept the file **{ $name }** itself, only what I have read of it.
button-delete-yes = Yes, delete
button-delete-no = No, keep
document-gone = This document is not here any more. Look at /mydocs for what is.

stats = **So far**
    - Documents: { $documents }, { $pages } pages
    - Questions: { $questions }, today { $today }
    - Answered from memory: { $cached }

clear-done = Forgotten. Your documents are still here; the next question starts afresh.
clear-nothing = There was nothing to forget. Your documents are still here.

language-question = Which language shall I speak?
language-done = From now on I speak English.

page-goes-on = … this is the part that the answer rests on; the rest is in the file itself, see /mydocs.
button-again = ↻ Try again
answer-repeats-prompt = I cannot show this answer: the AI has repeated its own instructions instead of the document. Ask in other words, or look whether the document tries to give orders.
answer-stopped = ⏹ You stopped this answer here.
question-forgotten = I have forgotten this question. Please ask it again.
question-no-document = Send me a document first, then ask me about it.
question-none-chosen = Choose in /mydocs which document I shall look in, then ask.
quota-minute = You have asked { $count } questions within a minute, which is as fast as I may answer. Please try again in a minute.
quota-day = You have used up today's { $count } questions. Please come back tomorrow.
quota-tokens = You have used up today's budget of the AI ({ $count } tokens). Please come back tomorrow.
question-nothing-found = I found nothing about this in **{ $name }**. Try other words, or choose another document in /mydocs.
table-computed = Computed over all { $rows } rows:
table-nothing = No rows match.
table-more = … and { $count } more rows.
table-evidence = It rests on { $count ->
    [one] this row
   *[other] { $count } rows{ $shown ->
        [10] , here are the first { $shown }
       *[other] {""}
    }
}:
table-row = Row
rows-offline = No AI is configured, so no question can be computed over the rows of **{ $name }**. Here are the rows and passages that match best, word for word, and what its columns hold.
rows-found = { $count ->
    [one] The row that matches best
   *[other] The { $count } rows that match best
}:
rows-summary = Columns, over all { $count } rows:
summary-column = Column
summary-filled = Filled
summary-distinct = Different
summary-min = Least
summary-max = Most
summary-sum = Sum

passages-offline = No AI is configured, so here are the passages of **{ $name }** that match best, word for word:
passages-unavailable = The AI does not answer just now, so here are the passages of **{ $name }** that match best, word for word:
passages-rate_limit = The AI has too many requests just now, so here are the passages of **{ $name }** that match best, word for word:
passages-quota = The AI's quota is used up, so here are the passages of **{ $name }** that match best, word for word:
passages-blocked = The AI refused this question, so here are the passages of **{ $name }** that match best, word for word:
passages-timeout = The AI took too long, so here are the passages of **{ $name }** that match best, word for word:

link-question = Shall I read **{ $url }** as a document?
button-read-page = Read the page
link-gone = I do not know this link any more. Send it again.
page-not_allowed = I cannot read **{ $url }**: I visit public web addresses only (http or https).
page-not_found = I cannot read **{ $url }**: there is no such page.
page-refused = I cannot read **{ $url }**: the site does not give me this page. Save it as a file and send me that.
page-too_large = I cannot read **{ $url }**: the page is larger than the files that I take.
page-too_slow = I cannot read **{ $url }**: the site takes too long to answer. Please try again later.
page-unreachable = I cannot read **{ $url }**: I cannot reach this site. Check the address, or try again later.

error-unexpected = Something went wrong on my side, and it is noted. Please try again in a moment.
error-busy = I have too much to do just now. Please try again in a moment.
error-timeout = This took too long, so I stopped. Please try again.
error-download = I could not fetch the file from Telegram. Please send it again.
update-dead = I have tried to handle this several times and could not. It is noted; please put it another way, or try again later.
unknown-command = I do not know this command. /help shows all that I know.
unknown-message = I work with documents: send me a file, then ask about it.
not-allowed = This bot is private. Ask its owner to let you in: your id is { $id }.

button-speak = 🔊 Listen
speech-file = answer
speech-beginning = This is the beginning; the rest is in the written answer.
speech-nothing = There is nothing in this answer that can be read aloud.
answer-forgotten = I have forgotten this answer. Please ask again.
speech-offline = I cannot read this aloud: no AI is configured.
speech-cannot_speak = I cannot read this aloud: the AI that is configured cannot speak.
speech-unavailable = I cannot read this aloud: the AI does not answer just now. Please try again later.
speech-rate_limit = I cannot read this aloud: the AI has too many requests just now. Please try again in a few minutes.
speech-quota = I cannot read this aloud: the AI's quota is used up. Please try again tomorrow.
speech-blocked = I cannot read this aloud: the AI refused these words.
speech-timeout = I cannot read this aloud: the AI took too long. Please try again later.

button-request-summary = 📝 Summary
button-request-points = 🔑 Key points
button-request-deadlines = 📅 Deadlines
button-request-risks = ⚠ Risks, duties
button-request-figures = 📊 Figures
request-summary = Summarise the whole document: what it is, who is concerned, and what it says, in the order of its importance.
request-points = What are the key points of the document? At most ten, the most important first.
request-deadlines = Which dates, deadlines and action items does the document have? A table: date or term, what is to be done, by whom.
request-risks = Which obligations and risks does the document hold, for whom, and what follows if they are not met? Penalties, liability, termination.
request-figures = Which are the main figures of the document? A table: what, value with its unit, period.
request-progress = Reading the whole document … { $done } of { $of } parts
request-too-long = **{ $name }** is too long to be read as a whole. Ask about what you look for: that works for any length.
request-offline = No AI is configured, so I cannot read the document as a whole. Ask about what you look for: I show the passages that match.
request-unavailable = The AI does not answer just now. Try again in a moment; what was read so far is kept.
request-rate_limit = The AI has too many requests just now. Try again in a moment; what was read so far is kept.
request-quota = The AI's quota is used up for now. What was read so far is kept.
request-blocked = The AI refused this document.
request-timeout = The AI took too long. Try again; what was read so far is kept.
