"""How Alembic runs here: on the connection that `migrate.upgrade` hands over, inside its transaction."""

from alembic import context

from ringdove.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=False)
context.run_migrations()
