-- What an update has sent already, so that another try of it sends only the rest.

create table sent_messages (
  job_id     uuid not null,                          -- the queue's, of the update
  key        text not null,                          -- of what was sent, see lib/telegram/sent_messages.ts
  message_id bigint not null,                        -- Telegram's
  sent_at    timestamptz not null default now(),
  primary key (job_id, key)
);
create index sent_messages_by_age on sent_messages (sent_at);
