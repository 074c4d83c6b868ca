-- Users, their documents cut into passages with an inverted index, and their conversations.

create table users (
  id                 bigint primary key,             -- Telegram's user id
  name               text not null,
  language           text not null,
  active_document_id bigint,
  created_at         timestamptz not null default now(),
  seen_at            timestamptz not null default now()
);

create table documents (
  id             bigint generated always as identity primary key,
  user_id        bigint not null references users (id) on delete cascade,
  sha256         text not null,                      -- of the content, hex
  name           text not null,
  format         text not null,
  unit           text not null,                      -- what a citation counts: page, sheet, part …
  pages          integer not null,
  tokens         integer not null,                   -- estimated, of the whole text
  bytes          integer not null,
  file_id        text,                               -- Telegram's, of the original
  lengths        integer[] not null,                 -- indexed terms of each passage, by ordinal
  passage_tokens integer[] not null,                 -- tokens of each passage, by ordinal
  created_at     timestamptz not null default now(),
  unique (user_id, sha256)
);

alter table users
  add foreign key (active_document_id) references documents (id) on delete set null;

create table passages (
  document_id bigint not null references documents (id) on delete cascade,
  ordinal     integer not null,
  page        integer not null,
  heading     text[] not null,
  text        text not null,
  primary key (document_id, ordinal)
);

-- The inverted index, a row for each term of a document: ranking reads a few rows and no text.
create table postings (
  document_id bigint not null references documents (id) on delete cascade,
  term        text not null,
  ordinals    integer[] not null,
  counts      integer[] not null,
  primary key (document_id, term)
);

create table turns (
  id       bigint generated always as identity primary key,
  user_id  bigint not null references users (id) on delete cascade,
  chat_id  bigint not null,
  question text not null,
  answer   text not null,
  asked_at timestamptz not null default now()
);
create index turns_of_chat on turns (user_id, chat_id, id);

create table usage (
  user_id       bigint not null references users (id) on delete cascade,
  day           date not null default current_date,
  questions     integer not null default 0,
  cached        integer not null default 0,
  documents     integer not null default 0,
  prompt_tokens bigint not null default 0,
  answer_tokens bigint not null default 0,
  primary key (user_id, day)
);
