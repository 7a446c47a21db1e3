#!/usr/bin/env bash
# onnxruntime, which speech models run on, makes a device's id and a queue of reports when it is imported.
#
# Tried with: onnxruntime 1.32.0 from PyPI, Python 3.11, Linux on x86_64.
#
# One would guess: a library that runs a voice detector (Silero VAD in faster-whisper) touches nothing
# until a session is made, and its telemetry is for Windows; where there is any, the documented
# `disable_telemetry_events()` is the switch.
#
# What happens: the import alone writes `deviceid` and a database of events below ~/.cache/Microsoft,
# on Linux, too. `disable_telemetry_events()` can only be called after it. `ORT_DISABLE_TELEMETRY=1`
# in the environment ends it. With `CI` in the environment nothing is written, so that a test that
# runs in CI never sees it.
#
# Imports it four times, each with a home directory of its own, and prints what it left there.
# Ends with 0 if it was so, with 1 if not (any more).
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check onnxruntime==1.32.0
as_it_is="import onnxruntime"
switched_off="import onnxruntime; onnxruntime.disable_telemetry_events()"

left() { # NAME CODE VARIABLES...: the files that are in the home directory afterwards
  local name=$1 code=$2
  shift 2
  mkdir "$folder/$name"
  env -u CI HOME="$folder/$name" "$@" "$folder/venv/bin/python" -c "$code"
  (cd "$folder/$name" && find . -type f -printf '%f\n' | LC_ALL=C sort | tr '\n' ' ')
}

{
  echo "as it is: $(left plain "$as_it_is")"
  echo "disable_telemetry_events(): $(left called "$switched_off")"
  echo "ORT_DISABLE_TELEMETRY=1: $(left variable "$as_it_is" ORT_DISABLE_TELEMETRY=1)"
  echo "CI=true: $(left ci "$as_it_is" CI=true)"
} | sed 's/ *$//' | tee "$folder/seen"

# Seen:
diff - "$folder/seen" <<'SEEN'
as it is: deviceid onnxruntime.db
disable_telemetry_events(): deviceid onnxruntime.db
ORT_DISABLE_TELEMETRY=1:
CI=true:
SEEN
