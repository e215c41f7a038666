"""ministack 1.5.33, with what it lacks of what infra/ deploys. infra/README.md lists it: keep both alike."""

import os
import signal
import sys
import threading
import uuid

from dataclasses import replace

from ministack.core import iam_evaluator
from ministack.services.cloudformation import provisioners


def end_with_parent():
    """Whoever started it holds the other end: when that is gone, however it went, so is this, with its functions."""
    sys.stdin.read()
    os.killpg(0, signal.SIGKILL)


threading.Thread(target=end_with_parent, daemon=True).start()

handlers = provisioners._RESOURCE_HANDLERS

# Saved Logs Insights queries: taken, not kept.
handlers.setdefault(
    "AWS::Logs::QueryDefinition",
    {
        "create": lambda *_, **__: (str(uuid.uuid4()), {}),
        "update": lambda physical, *_, **__: (physical, {}),
        "delete": provisioners._cfn_noop_delete,
    },
)

# Alarms over a Metrics Insights query: taken, never evaluated.
real = dict(handlers["AWS::CloudWatch::Alarm"])
PREFIX = "insights-"


def is_insights(physical):
    return isinstance(physical, str) and physical.startswith(PREFIX)


def create(*args, **kwargs):
    if any(isinstance(one, dict) and "Metrics" in one for one in args):
        name = PREFIX + str(uuid.uuid4())
        return name, {"Arn": f"arn:aws:cloudwatch:eu-central-1:000000000000:alarm:{name}"}
    return real["create"](*args, **kwargs)


def update(physical, *args, **kwargs):
    return (physical, {}) if is_insights(physical) else real["update"](physical, *args, **kwargs)


def delete(physical, *args, **kwargs):
    return None if is_insights(physical) else real["delete"](physical, *args, **kwargs)


handlers["AWS::CloudWatch::Alarm"] = {**real, "create": create, "update": update, "delete": delete}

# IAM is enforced on what the stacks make: functions, schedules, callers. Not on the CDK's own roles, whose policies have
# conditions that are not evaluated here.
resolve = iam_evaluator.resolve_principal


def resolve_principal(*args, **kwargs):
    principal = resolve(*args, **kwargs)
    if "/cdk-" in getattr(principal, "arn", ""):
        principal = replace(principal, policies=None)
    return principal


iam_evaluator.resolve_principal = resolve_principal

from ministack.app import main  # noqa: E402

main()
