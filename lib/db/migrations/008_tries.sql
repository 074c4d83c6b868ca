-- How the tries of an update have ended stands with its job now.

drop table update_waits;
