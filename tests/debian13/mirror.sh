#!/bin/sh
# Print where Debian comes from: what the user says, the first of this host's own mirrors, or Debian's.
said=${DEBIAN_MIRROR:-}
hosts=$(apt-get indextargets --format '$(REPO_URI)' \
    'Identifier: Packages' 'Origin: Debian' 'Label: Debian' 2>/dev/null | head -n 1)
mirror=${said:-${hosts:-http://deb.debian.org/debian}}
echo "${mirror%/}"
