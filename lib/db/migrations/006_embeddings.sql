-- What each passage means, as a vector: for search beside words. Made after a document is ready.

alter table documents
  add column embedded_by    text,                    -- the model, once all passages have vectors of it
  add column embed_after    timestamptz not null default '-infinity', -- whoever embeds has it until then
  add column embed_failures integer not null default 0;
create index documents_by_embedding on documents (embedded_by);
create index documents_by_content on documents (sha256);

-- A vector's parts are whole numbers from -127 to 127, which a half-precision number holds exactly:
-- with pgvector the server compares them, without it we do, and both come to the same.
do $$
begin
  begin
    create extension if not exists vector;
  exception when others then
    raise notice 'No pgvector here, or no right to create it: vectors are kept as bytes (%)', sqlerrm;
  end;
  execute format('
    create table embeddings (
      document_id bigint not null references documents (id) on delete cascade,
      ordinal     integer not null,
      model       text not null,
      vector      %s not null,
      primary key (document_id, ordinal)
    )', case when to_regtype('halfvec') is null then 'bytea' else 'halfvec' end);
end $$;
