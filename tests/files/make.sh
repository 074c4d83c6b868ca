#!/usr/bin/env bash
# Makes the office files that the tests read, from the sources beside it. Run by hand when a source
# changes; needs LibreOffice (Debian: libreoffice-writer-nogui, -calc-nogui, -impress-nogui).
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
ls -l
