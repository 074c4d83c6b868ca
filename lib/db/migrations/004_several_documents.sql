-- Questions go to the documents that their user has chosen, one or several.

alter table documents
  add column chosen boolean not null default false;
update documents set chosen = true
  where id in (select active_document_id from users);
alter table users drop column active_document_id;

-- Of an album, what its files before the last one came to.
alter table uploads
  add column documents bigint[] not null default '{}';
