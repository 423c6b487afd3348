-- Made by `make contract`.
CREATE ROLE sniper_ingest LOGIN PASSWORD 'local';
CREATE ROLE sniper_dedup LOGIN PASSWORD 'local';
CREATE ROLE sniper_executor LOGIN PASSWORD 'local';
CREATE ROLE sniper_express LOGIN PASSWORD 'local';
CREATE ROLE sniper_persister LOGIN PASSWORD 'local';
CREATE ROLE sniper_api LOGIN PASSWORD 'local';
CREATE ROLE sniper_notifier LOGIN PASSWORD 'local';
