#!/bin/sh
# Print the mirror of Debian: the user's choice, else this host's first mirror, else Debian's own.
chosen=${DEBIAN_MIRROR:-}
hosts=$(apt-get indextargets --format '$(REPO_URI)' \
    'Identifier: Packages' 'Origin: Debian' 'Label: Debian' 2>/dev/null | head -n 1)
mirror=${chosen:-${hosts:-http://deb.debian.org/debian}}
echo "${mirror%/}"
