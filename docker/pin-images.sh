#!/bin/sh
# Writes the digest of each base image beside its tag, in Dockerfile and docker-compose.yaml of the current folder: a tag
# can be moved by its publisher, a digest can't. Prints what it found; ends with an error when an image has none.
set -eu
grep -hoE '(FROM|image:) [a-z/-]+:v?[0-9.]+[a-z-]*' Dockerfile docker-compose.yaml | cut -d ' ' -f 2 | sort -u |
  while read -r image; do
    digest=$(docker buildx imagetools inspect "$image" | awk '/^Digest:/ { print $2 }')
    case $digest in sha256:*) ;; *) echo "No digest of $image was found." >&2 && exit 1 ;; esac
    sed -i.bak -E "s|$image(@sha256:[0-9a-f]+)?|$image@$digest|" Dockerfile docker-compose.yaml
    echo "$image@$digest"
  done
rm -f Dockerfile.bak docker-compose.yaml.bak
