# Reads an event file with the tensorboard package and prints its scalars as JSON: the check of src/pipeline/run-report/events.ts.
# Run: python3 tools/read-events.py FOLDER (pip install tensorboard)
import json
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

events = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0})
events.Reload()
print(json.dumps({tag: [[e.step, e.wall_time, e.value] for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]}, indent=1))
