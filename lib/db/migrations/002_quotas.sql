-- How many questions a user has asked in the running minute; the day's stand in usage.

alter table users
  add column minute_began timestamptz not null default now(),
  add column minute_questions integer not null default 0;
