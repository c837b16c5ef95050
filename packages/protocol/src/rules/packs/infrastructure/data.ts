// Databases and other stores of data, by their tools, by MCP and by HTTP.

export const data = String.raw`
rules:
  sql-destroys:
    deny: shell
    any:
      - command: [psql, mysql, mariadb, sqlite3, mysqlsh, sqlcmd, mycli, pgcli, litecli, usql, duckdb, clickhouse-client, clickhouse, cqlsh, bq, snowsql, cockroach, sqlplus, isql, osql, trino, presto, beeline, hive, spark-sql, wrangler, supabase, turso, h2, dbeaver, pgbench, doctrine, manage.py]
        text: [drop table, drop database, drop schema, drop user, drop role, drop view, drop materialized view, drop index, drop function, drop tablespace, drop owned, drop collection, drop keyspace, drop column, truncate table, 'truncate *', alter user, alter role, grant all, dropdatabase, 'pragma writable_schema']
      - into: [psql, mysql, mariadb, sqlite3, mysqlsh, sqlcmd, mycli, pgcli, litecli, usql, duckdb, clickhouse-client, clickhouse, cqlsh, bq, snowsql, cockroach, sqlplus, isql, osql, trino, presto, beeline, hive, spark-sql, wrangler, supabase, turso, h2, dbeaver, pgbench, doctrine, manage.py]
        text: [drop table, drop database, drop schema, drop user, drop role, drop view, drop materialized view, drop index, drop function, drop tablespace, drop owned, drop collection, drop keyspace, drop column, truncate table, 'truncate *', alter user, alter role, grant all, dropdatabase, 'pragma writable_schema']
    severity: critical
    opaque: allow
    reason: It destroys data, or changes who may.
    instead: Show it with a select, write a migration, and ask the operator to run it.
    hits:
      - psql -c "DROP TABLE users"
      - psql prod -c 'drop   table users'
      - echo "DROP DATABASE x" | mysql -u root
      - mysql -e "TRUNCATE TABLE x"
      - sqlite3 app.db "drop table users;"
    misses:
      - psql -c "select 1"
      - 'git commit -m "drop table users"'
      - grep -rn "drop table" migrations

  sql-unbounded:
    deny: shell
    any:
      - command: [psql, mysql, mariadb, sqlite3, mysqlsh, sqlcmd, mycli, pgcli, litecli, usql, duckdb, clickhouse-client, clickhouse, cqlsh, bq, snowsql, cockroach, sqlplus, isql, osql, trino, presto, beeline, hive, spark-sql, wrangler, supabase, turso, h2, dbeaver, pgbench, doctrine, manage.py]
        text: ['delete from', 'update * set']
      - into: [psql, mysql, mariadb, sqlite3, mysqlsh, sqlcmd, mycli, pgcli, litecli, usql, duckdb, clickhouse-client, clickhouse, cqlsh, bq, snowsql, cockroach, sqlplus, isql, osql, trino, presto, beeline, hive, spark-sql, wrangler, supabase, turso, h2, dbeaver, pgbench, doctrine, manage.py]
        text: ['delete from', 'update * set']
    unless:
      - text: where
    severity: high
    opaque: allow
    reason: Without a where clause it changes every row.
    instead: Name the rows with a where clause.
    hits:
      - psql -c "DELETE FROM users"
      - echo "update users set admin = true" | psql
    misses:
      - psql -c "DELETE FROM users WHERE id = 3"

  sql-by-mcp:
    deny: mcp
    any:
      - input: {/**/sql: ['*drop table*', '*drop database*', '*drop schema*', '*truncate *', '*dropdatabase*']}
      - input: {/**/query: ['*drop table*', '*drop database*', '*drop schema*', '*truncate *', '*dropdatabase*']}
      - input: {/**/statement: ['*drop table*', '*drop database*', '*drop schema*', '*truncate *', '*dropdatabase*']}
      - input: {/**/command: ['*drop table*', '*drop database*', '*drop schema*', '*truncate *', '*dropdatabase*']}
    severity: critical
    reason: It destroys data.
    instead: Show it with a select, write a migration, and ask the operator to run it.
    hits:
      - {mcp: postgres/query, input: {sql: DROP TABLE users}}
      - {mcp: postgres/batch, input: {steps: [{args: {query: 'select 1; drop database x'}}]}}
    misses:
      - {mcp: postgres/query, input: {sql: select 1}}
      - {mcp: github/create_issue, input: {body: never drop table users}}

  data-stores:
    deny: shell
    any:
      - command: dropdb
      - command: mysqladmin drop|shutdown
      - command: mysqladmin * drop|shutdown
      - command: redis-cli|valkey-cli|keydb-cli
        text: [flushall, flushdb, shutdown, config set, debug]
      - command: mongosh|mongo
        text: [dropDatabase, '.drop(', 'deleteMany({})', 'remove({})']
      - into: [mongosh, mongo]
        text: [dropDatabase, '.drop(', 'deleteMany({})', 'remove({})']
      - into: [redis-cli, valkey-cli]
        text: [flushall, flushdb]
      - command: pg_restore
        flags: --clean|-c
      - command: influx delete
      - command: rails|rake db:drop|db:reset|db:purge|db:schema:load|db:drop:all
      - command: bundle exec rails|rake db:drop|db:reset|db:purge|db:schema:load
      - command: npx|pnpm|yarn|bunx|prisma ** migrate reset
      - command: prisma migrate reset
      - command: npx|pnpm|yarn|bunx|prisma
        flags: --force-reset|--accept-data-loss
      - command: php artisan migrate:fresh|migrate:reset|migrate:refresh|db:wipe
      - command: artisan migrate:fresh|migrate:reset|migrate:refresh|db:wipe
      - command: mix ecto.drop|ecto.reset
      - command: python|python3 * flush|reset_db|sqlflush
      - command: manage.py flush|reset_db
      - command: sequelize|sequelize-cli db:drop|db:migrate:undo:all
      - command: typeorm schema:drop
      - command: drizzle-kit drop
      - command: alembic downgrade base
      - command: flyway clean
      - command: liquibase dropAll|drop-all
      - command: dbmate drop
      - command: migrate drop
      - command: kafka-topics|kafka-topics.sh
        flags: --delete
      - command: rabbitmqctl reset|force_reset|delete_queue|purge_queue|delete_vhost|delete_user|stop
      - command: rabbitmqadmin delete|purge
    severity: critical
    opaque: allow
    reason: It destroys data.
    instead: Ask the operator to run it.
    hits:
      - dropdb prod
      - redis-cli FLUSHALL
      - redis-cli -h prod -n 0 flushdb
      - mongosh --eval 'db.dropDatabase()'
      - rails db:drop
      - bundle exec rake db:reset
      - npx prisma migrate reset
      - php artisan migrate:fresh
    misses:
      - redis-cli get x
      - rails db:migrate
      - npx prisma migrate dev

  http-delete:
    ask: shell
    any:
      - command: curl
        flags: --request=DELETE|-X=DELETE
      - command: http|https|xh DELETE
      - command: wget
        flags: --method=DELETE
    severity: medium
    opaque: allow
    reason: It asks a server to delete something.
    hits:
      - curl -X DELETE https://api.example.com/v1/users/3
      - curl --request DELETE http://localhost:9200/index
    misses:
      - curl https://api.example.com/v1/users/3
`;
