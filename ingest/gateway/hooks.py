"""The webhooks that source files set up.

Reads `gateway.sources_dir` and secrets; writes nothing.
"""

import json
from collections.abc import Callable
from pathlib import Path

from deskwheel.config import read_toml
from deskwheel.errors import ConfigError
from deskwheel.secret import read_secret
from deskwheel.settings import Settings
from deskwheel.strict_json import Flaw, read_object
from ingest.contract.schemas import versions_of
from ingest.gateway.signatures import signing_key
from ingest.gateway.webhooks import Webhook
from ingest.sources.config import read_source_file
from ingest.sources.mapping import Rules, compile_rules, map_record
from ingest.sources.webhook import KIND, WebhookOptions


def read_webhooks(settings: Settings) -> dict[str, Webhook]:
    """Every webhook of the folder by its name; source files of other kinds are passed over.

    Raises:
        ConfigError: a file is no source file, two have the same name, or a secret is missing.
    """
    if not settings.gateway.sources_dir:
        return {}
    folder = Path(settings.gateway.sources_dir)
    if not folder.is_dir():
        raise ConfigError(
            f"gateway.sources_dir {folder}: no such folder; create it or leave it empty"
        )
    found: dict[str, Webhook] = {}
    for path in sorted(folder.glob("*.toml")):
        if _kind(path) != KIND:
            continue
        hook = read_webhook(path, settings)
        if hook.name in found:
            raise ConfigError(f"{path}: another file has the name {hook.name!r}, too; rename one")
        found[hook.name] = hook
    return found


def read_webhook(path: Path, settings: Settings) -> Webhook:
    """The webhook of one file.

    Raises:
        ConfigError: something in it is unknown, mistyped, out of range or missing.
    """
    head, options = read_source_file(path, {KIND: WebhookOptions})
    if not options.secrets:
        raise ConfigError(f'{path}: options.secrets is missing; write secrets = ["env:NAME"]')
    return Webhook(
        name=head.name,
        tenant=head.tenant or settings.pipeline.tenant,
        options=options,
        keys=[_key(path, options.scheme, place) for place in options.secrets],
        window_s=options.replay_window_s or settings.gateway.replay_window_s,
        map_payload=_mapping(path, options),
    )


def _kind(path: Path) -> object:
    section = read_toml(path, cure="take it out of gateway.sources_dir").get("source")
    return section.get("kind") if isinstance(section, dict) else None


def _key(path: Path, scheme: str, place: str) -> bytes:
    setting = f"{path}: options.secrets"
    secret = read_secret(place, setting=setting)
    try:
        return signing_key(scheme, secret)
    except ValueError:
        raise ConfigError(
            f"{setting}: {place}: no secret of Standard Webhooks; it is whsec_ and base64"
        ) from None


def _mapping(path: Path, options: WebhookOptions) -> Callable[[bytes], bytes] | None:
    if not options.fields:
        return None
    try:
        rules = compile_rules(
            versions_of(options.channel)[-1],
            fields=options.fields,
            constants=options.constants,
            values=options.values,
            times=options.times,
        )
    except ConfigError as error:
        raise ConfigError(f"{path}: options.{error}") from error
    return lambda body: map_payload(body, rules)


def map_payload(body: bytes, rules: Rules) -> bytes:
    """A foreign payload as one of ours; as it was where not every rule could be met.

    The stream then rejects it with a reason and keeps the original bytes as a dead letter.
    """
    record = read_object(body)
    if isinstance(record, Flaw):
        return body
    mapped = map_record(record, rules)
    if not mapped.is_whole:
        return body
    text = json.dumps(mapped.payload, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "surrogatepass")
