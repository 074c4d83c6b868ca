-- Tables whose rows are asked about, files that came within others, and messages that tell progress.

alter table documents
  add column files integer not null default 0;       -- that came within it, as documents of their own

create table document_tables (
  document_id bigint not null references documents (id) on delete cascade,
  ordinal     integer not null,
  name        text not null,
  page        integer not null,
  columns     jsonb not null,                        -- [{"name", "type"}], in their order
  rows        integer not null,
  primary key (document_id, ordinal)
);

-- Bytes that belong to a document, in pieces: a statement has to fit into one protocol message.
create table blobs (
  document_id bigint not null references documents (id) on delete cascade,
  name        text not null,                         -- original, or table:<ordinal>
  ordinal     integer not null,
  data        bytea not null,
  primary key (document_id, name, ordinal)
);

-- Links that a user was offered to have read; a button's data is too short for them.
create table links (
  id         bigint generated always as identity primary key,
  user_id    bigint not null references users (id) on delete cascade,
  url        text not null,
  offered_at timestamptz not null default now()
);

-- What a file's sender sees of its reading: found again after a restart, and where "cancel" is noted.
create table uploads (
  update_id  bigint primary key,                     -- Telegram's, of the message with the file
  user_id    bigint not null references users (id) on delete cascade,
  message_id bigint,
  cancelled  boolean not null default false,
  album      text,                                   -- Telegram's, of files that were sent together
  lines      text[] not null default '{}',           -- what the album's files before this one came to
  caption    text not null default '',
  began_at   timestamptz not null default now()
);
