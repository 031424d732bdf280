"""Starts ministack with subscriptions to Kinesis shards that last seconds instead of five minutes, so that a test sees
them end. A consumer may not subscribe again within five seconds of the time before."""

import sys

from ministack.app import main
from ministack.services import kinesis

kinesis.SUBSCRIPTION_SECONDS = 6

sys.exit(main())
