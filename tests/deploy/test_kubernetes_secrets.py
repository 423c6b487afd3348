"""Secrets of the manifests: each key exists, each service signs in as itself, and production is encrypted."""

import asyncio
import base64
import json
import shutil
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final

import asyncpg
import pika
import pytest
from pika.exceptions import ChannelClosedByBroker
from sqlalchemy import make_url

import migrations
from cli.composing.services import EXPRESS, NAMES
from contract.kubernetes import BROKER, PASSWORD, ROLES
from migrations import roles
from migrations.rights import GROUPS
from shared.settings import SECRETS_DIRECTORY, BrokerSettings
from tests.servers.postgres import PrivatePostgres
from tests.servers.rabbitmq import RabbitMQServer
from tests.support.deployment.deployments import DEPLOY, unknown_settings
from tests.support.deployment.manifests import (
    Manifest,
    kinds,
    mounted_secrets,
    named,
    ours,
    referred_to,
    render,
    secret_keys,
)

pytestmark = pytest.mark.timeout(180)
ROOT: Final = DEPLOY.parent
SERVICES: Final = {*NAMES, EXPRESS}
"""Whoever signs in, in one composition or the other."""


def test_every_secret_is_a_file_with_the_name_of_a_setting_where_settings_are_read(manifests: list[Manifest]) -> None:
    for name, spec in ours(manifests).items():
        if name == "simulator":
            continue
        [mount] = [each for each in spec["containers"][0]["volumeMounts"] if each["name"] == "secrets"]
        assert Path(mount["mountPath"]) == SECRETS_DIRECTORY
        assert unknown_settings(list(mounted_secrets(spec))) == [], name


def test_a_secret_is_read_as_kubernetes_lays_it(tmp_path: Path) -> None:
    hidden = tmp_path / "..2026_11_28"
    hidden.mkdir()
    (hidden / "sniper_broker_url").write_text("amqp://me@rabbitmq/")
    (tmp_path / "..data").symlink_to(hidden.name)
    (tmp_path / "sniper_broker_url").symlink_to("..data/sniper_broker_url")

    settings = BrokerSettings(_secrets_dir=tmp_path)

    assert settings.url is not None
    assert settings.url.get_secret_value() == "amqp://me@rabbitmq/"


def test_every_key_of_a_secret_that_is_referred_to_is_made(manifests: list[Manifest]) -> None:
    wanted = referred_to(manifests)

    assert wanted
    assert wanted - secret_keys(manifests) == set()


def test_the_notifier_is_given_the_token_of_a_bot_once_there_is_one(production: list[Manifest], tmp_path: Path) -> None:
    tree = tmp_path / "kubernetes"
    shutil.copytree(DEPLOY / "kubernetes", tree)
    file = tree / "overlays" / "production" / "services" / "kustomization.yaml"
    file.write_text(file.read_text().replace("components: []", "components: [../../../components/telegram]"))

    secret, key = mounted_secrets(ours(production)["notifier"])["sniper_notifier_telegram_token"]
    with_a_bot = render(tree / "overlays" / "production")
    assert secret_keys(with_a_bot) - secret_keys(production) == {("sniper", secret, key)}
    assert ours(with_a_bot) == ours(production)


def test_each_service_has_a_secret_of_its_own_and_the_migration_the_owners(
    manifests: list[Manifest], services: set[str], trading: str
) -> None:
    more = {trading: {"sniper-exchange"}}
    for name in services:
        secrets = {_unhashed(secret) for secret, _ in mounted_secrets(ours(manifests)[name]).values()}
        assert secrets == {f"sniper-{name}"} | more.get(name, set())
        assert {"sniper_database_url", "sniper_broker_url"} <= set(mounted_secrets(ours(manifests)[name]))

    token = mounted_secrets(ours(manifests)["token"])
    assert {path: _unhashed(secret) for path, (secret, _) in token.items()} == {"sniper_database_url": "sniper-api"}
    migration = ours(manifests)["migrate"]
    assert {_unhashed(secret) for secret, _ in mounted_secrets(migration).values()} == {"sniper-owner"}
    assert migration["containers"][0]["args"] == ["migrate", "--roles"]


def _unhashed(secret: str) -> str:
    """Return the name without what kustomize puts behind one that it makes."""
    base, _, digest = secret.rpartition("-")
    return base if len(digest) == 10 else secret


def test_locally_each_service_signs_in_as_itself(local: list[Manifest]) -> None:
    made = {_unhashed(each["metadata"]["name"]): each["data"] for each in kinds(local, "Secret")}
    hosts = {each["metadata"]["name"] for each in kinds(local, "Service")}
    for name in SERVICES:
        given = {key: base64.b64decode(value).decode() for key, value in made[f"sniper-{name}"].items()}
        database, broker = make_url(given["sniper_database_url"]), make_url(given["sniper_broker_url"])
        assert (database.username, broker.username) == (f"{roles.PREFIX}{name}", f"sniper-{name}")
        assert database.password == broker.password == PASSWORD
        assert {database.host, broker.host} <= hosts


def test_the_users_of_the_local_broker_sign_in_and_see_how_long_their_queues_are(
    rabbitmq_server: RabbitMQServer,
) -> None:
    vhost = rabbitmq_server.create_vhost()
    text = (ROOT / BROKER).read_text(encoding="utf-8").replace('"sniper-', f'"{vhost}-')
    loaded = json.loads(text.replace('"vhost": "/"', f'"vhost": "{vhost}"'))
    loaded["vhosts"] = [{"name": vhost}]
    with rabbitmq_server.management() as api:
        try:
            api.post("/api/definitions", json=loaded).raise_for_status()
            for name in SERVICES:
                url = make_url(rabbitmq_server.url_for(vhost)).set(username=f"{vhost}-{name}", password=PASSWORD)
                parameters = pika.URLParameters(url.render_as_string(hide_password=False))
                with pika.BlockingConnection(parameters) as connection:
                    channel = connection.channel()
                    declared = channel.queue_declare("dedup.raw", passive=True)
                    assert declared.method.message_count == 0
                    with pytest.raises(ChannelClosedByBroker):
                        channel.queue_declare("mine")
        finally:
            rabbitmq_server.delete_vhost(vhost)
            for user in loaded["users"]:
                api.delete(f"/api/users/{user['name']}").raise_for_status()


async def test_the_roles_of_the_local_database_are_given_their_rights(
    private_postgres: Callable[[], PrivatePostgres],
) -> None:
    url = private_postgres().create_migrated_database()
    owner = await asyncpg.connect(url)
    try:
        await owner.execute((ROOT / ROLES).read_text(encoding="utf-8"))
        await owner.execute(roles.script())
    finally:
        await owner.close()

    for name in SERVICES:
        own = make_url(url).set(username=f"{roles.PREFIX}{name}", password=PASSWORD)
        session = await asyncpg.connect(own.render_as_string(hide_password=False))
        await session.fetchval("SELECT version_num FROM alembic_version")
        await session.close()


def test_in_production_each_role_has_the_password_of_its_service(
    production: list[Manifest], production_express: list[Manifest]
) -> None:
    assert_roles(production, nobody={*GROUPS, EXPRESS})
    assert_roles(production_express, nobody=GROUPS)


def assert_roles(production: list[Manifest], *, nobody: Collection[str]) -> None:
    """Assert that every role is made, with the password of its service, and that *nobody* signs in as those."""
    stored = {
        (each["metadata"]["namespace"], each["spec"]["target"]["name"]): {
            entry["remoteRef"]["key"] for entry in each["spec"]["data"]
        }
        for each in kinds(production, "ExternalSecret")
    }
    cluster = named(production, "Cluster", "sniper")["spec"]
    made = {each["name"]: each.get("passwordSecret", {}).get("name") for each in cluster["managed"]["roles"]}
    signing_in = {each["name"] for each in cluster["managed"]["roles"] if each["login"]}

    assert len(cluster["managed"]["roles"]) == len(made)
    assert set(made) == set(roles.names())
    assert signing_in == {name for name, secret in made.items() if secret is not None}
    assert signing_in == {name for name in made if name.removeprefix(roles.PREFIX) not in nobody}
    for name in {name.removeprefix(roles.PREFIX) for name in signing_in}:
        assert stored["sniper", f"sniper-{name}"] == {f"sniper-{name}"}
        assert stored["sniper-data", str(made[f"{roles.PREFIX}{name}"])] == {f"sniper-{name}"}
    assert stored["sniper", "sniper-owner"] == stored["sniper-data", cluster["bootstrap"]["initdb"]["secret"]["name"]]


@pytest.mark.parametrize("overlay", ["production", "production-express"])
async def test_in_production_the_owner_of_the_tables_gives_the_roles_that_are_made_their_rights(
    manifests: list[Manifest], services: set[str], private_postgres: Callable[[], PrivatePostgres]
) -> None:
    """CloudNativePG's owner may make no role: a single one that is missing keeps all of them from their rights."""
    cluster = named(manifests, "Cluster", "sniper")["spec"]
    owner = cluster["bootstrap"]["initdb"]["owner"]
    server = private_postgres()
    as_postgres = await asyncpg.connect(server.url)
    try:
        await as_postgres.execute(f"CREATE ROLE {owner} LOGIN NOCREATEROLE NOSUPERUSER")
        for each in cluster["managed"]["roles"]:
            assert each["ensure"] == "present"
            await as_postgres.execute(f"CREATE ROLE {each['name']} {'LOGIN' if each['login'] else 'NOLOGIN'}")
        await as_postgres.execute(f"CREATE DATABASE owned OWNER {owner}")
    finally:
        await as_postgres.close()
    url = make_url(server.url).set(username=owner, database="owned").render_as_string(hide_password=False)
    await asyncio.to_thread(migrations.upgrade, url)

    tables = await asyncpg.connect(url)
    try:
        await tables.execute(roles.script())
    finally:
        await tables.close()

    for name in services - {"simulator"}:
        own = make_url(url).set(username=f"{roles.PREFIX}{name}").render_as_string(hide_password=False)
        session = await asyncpg.connect(own)
        assert await session.fetchval("SELECT version_num FROM alembic_version") == migrations.head()
        await session.close()


def test_rabbitmq_reads_the_definitions_where_they_are_mounted(manifests: list[Manifest]) -> None:
    for cluster in kinds(manifests, "RabbitmqCluster"):
        [container] = cluster["spec"]["override"]["statefulSet"]["spec"]["template"]["spec"]["containers"]
        configuration = cluster["spec"]["rabbitmq"]["additionalConfig"]
        assert f"load_definitions = {container['volumeMounts'][0]['mountPath']}/definitions.json" in configuration
    for each in kinds(manifests, "StatefulSet"):
        for container in each["spec"]["template"]["spec"]["containers"]:
            if container["name"] == "rabbitmq":
                [made] = [each for each in kinds(manifests, "ConfigMap") if "definitions.json" in each["data"]]
                paths = {mount["mountPath"] for mount in container["volumeMounts"] if mount["name"] == "definitions"}
                [loaded] = [line for line in made["data"]["20-definitions.conf"].splitlines() if "=" in line]
                assert str(Path(loaded.partition("= ")[2]).parent) in paths


def test_only_the_executor_is_given_the_keys_of_the_exchange(manifests: list[Manifest], trading: str) -> None:
    holders = {
        name
        for name, spec in ours(manifests).items()
        if name != "simulator" and "sniper_mexc_api_key" in mounted_secrets(spec)
    }

    assert holders == {trading}


def test_the_executor_knows_the_age_of_its_key(manifests: list[Manifest], trading: str) -> None:
    assert "sniper_mexc_api_key_created" in mounted_secrets(ours(manifests)[trading])


def test_in_production_everything_is_encrypted_and_checked(production: list[Manifest]) -> None:
    [settings] = [each["data"] for each in kinds(production, "ConfigMap")]
    authority = Path(settings["SNIPER_BROKER_CA_FILE"])
    assert settings["SNIPER_DATABASE_CA_FILE"] == str(authority)
    for name, spec in ours(production).items():
        [mount] = [each for each in spec["containers"][0]["volumeMounts"] if each["name"] == "authority"]
        [volume] = [each["secret"] for each in spec["volumes"] if each["name"] == "authority"]
        assert Path(mount["mountPath"]) / volume["items"][0]["path"] == authority, name

    stored = {
        (each["metadata"]["namespace"], each["metadata"]["name"]): each["spec"]
        for each in kinds(production, "ExternalSecret")
    }
    broker = named(production, "RabbitmqCluster", "sniper")["spec"]["tls"]["secretName"]
    database = named(production, "Cluster", "sniper")["spec"]["certificates"]
    for secret in (broker, database["serverTLSSecret"]):
        shown = stored["sniper-data", secret]
        assert shown["target"]["template"]["type"] == "kubernetes.io/tls"
        assert {each["secretKey"] for each in shown["data"]} == {"tls.crt", "tls.key"}
    ours_checks, theirs = stored["sniper", "sniper-authority"], stored["sniper-data", database["serverCASecret"]]
    assert ours_checks["data"] == theirs["data"]
    for each in kinds(production, "TriggerAuthentication"):
        assert [entry["parameter"] for entry in each["spec"]["secretTargetRef"]] == ["host", "tls", "ca"]
