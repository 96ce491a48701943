#!/usr/bin/env bash
# Does an image answer without network, on a read-only file system and without privileges?  deploy/try-image.sh IMAGE
set -euo pipefail
image="$1"
container="$(docker run --detach --network none --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges \
    --health-interval 2s "$image")"
trap 'docker rm --force "$container" >/dev/null' EXIT

for _ in $(seq 60); do
    state="$(docker inspect --format '{{.State.Health.Status}}' "$container")"
    if [ "$state" = healthy ]; then break; fi
    sleep 2
done
if [ "$state" != healthy ]; then
    docker logs "$container"
    echo "The app is $state after two minutes." >&2
    exit 1
fi
docker exec "$container" python -c 'from PIL import Image; Image.effect_noise((640, 480), 60).save("/tmp/noise.png")'
docker exec "$container" veriscope analyze /tmp/noise.png --format json | grep '"grade"'
test "$(docker exec "$container" id --user)" = 1000
echo "$image: healthy and answering, offline, read-only, as user 1000."
