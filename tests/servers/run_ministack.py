"""Starts ministack with subscriptions to Kinesis shards that last seconds instead of five minutes, so that a test sees
them end. A consumer may not subscribe again within five seconds of the time before.

Environment: KINESIS_ITERATOR_SECONDS, how long an iterator lives (default 300)."""

import os
import sys

from ministack.app import main
from ministack.services import kinesis

kinesis.SUBSCRIPTION_SECONDS = 6
kinesis.ITERATOR_EXPIRY_SECONDS = int(os.environ.get("KINESIS_ITERATOR_SECONDS", "300"))

sys.exit(main())
