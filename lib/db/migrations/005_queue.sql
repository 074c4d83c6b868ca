-- What the durable intake keeps beside the queue's own tables.

-- Updates that could not be handled; an operator looks at them with `deno task dead`.
create table dead_letters (
  bot_id    bigint not null,
  update_id bigint not null,                         -- Telegram's, which counts per bot
  chat_key  text not null,                           -- what its order was kept by
  update    jsonb not null,
  reason    text not null,
  tries     integer not null,
  died_at   timestamptz not null default now(),
  primary key (bot_id, update_id)
);

-- Tries of an update that only waited for Telegram or the database, and so do not count against it.
create table update_waits (
  job_id   uuid primary key,
  waits    integer not null,
  noted_at timestamptz not null default now()
);

-- Who does what only one replica may do, until when unless it says so again.
create table leases (
  name       text primary key,
  holder     uuid not null,
  held_until timestamptz not null
);

-- Old turns are found by their age.
create index turns_by_age on turns (asked_at);
