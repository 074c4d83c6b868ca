#!/usr/bin/env bash
# Makes the office files that the tests read, from the sources beside it. Run by hand when a source
# changes; needs LibreOffice (Debian: libreoffice-writer-nogui, -calc-nogui, -impress-nogui) and
# ffmpeg for the recordings: up to four seconds of a tone, in each container as its programs write it.
set -eu
cd "$(dirname "$0")"
profile=$(mktemp -d)
trap 'rm -rf "$profile"' EXIT
convert() { soffice "-env:UserInstallation=file://$profile" --headless "--convert-to" "$2" "${@:3}" "$1" > /dev/null 2>&1; }
for to in odt "docx:MS Word 2007 XML" "doc:MS Word 97" "rtf:Rich Text Format" epub "pdf:writer_pdf_Export"; do
  convert contract.html "$to" "--infilter=HTML (StarWriter)"
done
for to in xlsx "xls:MS Excel 97" ods; do convert sales.fods "$to"; done
for to in pptx odp; do convert slides.fodp "$to"; done
record() { ffmpeg -v error -y -f lavfi -i "sine=330:sample_rate=${rate:-8000}:duration=4" "$@"; }
picture=(-f lavfi -i "testsrc=s=64x48:r=2:d=4")
record -c:a aac -b:a 8k tone.m4a
record "${picture[@]}" -c:v libx264 -c:a aac -b:a 8k tone.mp4
record "${picture[@]}" -c:v libx264 -c:a pcm_s16be -t 1 tone.mov
record -c:a libopus -b:a 8k tone.webm
record -c:a libmp3lame -b:a 8k tone.mkv
record -c:a flac -t 2 tone.flac
record -c:a alac -t 1 tone_alac.m4a
rate=16000 record -c:a libvorbis tone_vorbis.webm
ffmpeg -v error -y -f lavfi -i "testsrc=s=64x48:r=2:d=4" -c:v libx264 mute.mp4
ls -l
