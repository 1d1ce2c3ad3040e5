#include "cli/report/page.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"

namespace estuary::cli {
namespace {

constexpr char kStyle[] = R"css(
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0; background: #f1f3f5; color: #212529;
       font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, Helvetica, Arial, sans-serif; }
header { background: #0b3c49; color: #fff; padding: 28px 32px 24px; }
header h1 { margin: 0; font-size: 26px; font-weight: 650; letter-spacing: -.01em; }
header p { margin: 6px 0 0; color: #c5dde3; }
main { max-width: 1220px; margin: 0 auto; padding: 8px 24px 40px; }
h2 { font-size: 18px; margin: 30px 0 8px; }
p { max-width: 86ch; margin: 8px 0; }
.figures { display: flex; flex-wrap: wrap; gap: 16px; margin: 12px 0; }
.figures figure { margin: 0; background: #fff; border: 1px solid #dee2e6; border-radius: 8px;
                  padding: 10px; flex: 0 1 calc(50% - 8px); min-width: 440px; }
.wide { gap: 8px; }
.wide figure { flex-basis: 100%; padding: 4px 10px; }
@media (max-width: 940px) { .figures figure { flex-basis: 100%; min-width: 0; } }
.figures svg { width: 100%; height: auto; display: block; }
.table { overflow-x: auto; background: #fff; border: 1px solid #dee2e6; border-radius: 8px; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: 8px 12px; text-align: right; border-bottom: 1px solid #e9ecef; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
td.long { white-space: normal; }
th { background: #f8f9fa; font-weight: 600; color: #495057; white-space: normal; vertical-align: bottom; }
tr:last-child td { border-bottom: 0; }
tr.strong td { font-weight: 650; background: #e6f4f1; }
details { margin-top: 24px; }
summary { cursor: pointer; color: #0b7285; }
pre { background: #fff; border: 1px solid #dee2e6; border-radius: 8px; padding: 12px; overflow-x: auto; }
footer { color: #868e96; font-size: 13px; margin-top: 32px; }
)css";

// A table's cell of more bytes may be broken into lines.
constexpr size_t kLongCell = 60;

}  // namespace

std::string EscapeHtml(const std::string& text) {
  return absl::StrReplaceAll(
      text, {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}, {"'", "&#39;"}});
}

std::string MarkdownTable(const std::vector<std::vector<std::string>>& rows, size_t left) {
  std::string text;
  for (size_t i = 0; i < rows.size(); ++i) {
    absl::StrAppend(&text, "| ", absl::StrJoin(rows[i], " | "), " |\n");
    if (i > 0) continue;
    text += "|";
    for (size_t j = 0; j < rows[0].size(); ++j) text += j < left ? " --- |" : " ---: |";
    text += "\n";
  }
  return text;
}

Page::Page(const std::string& title, const std::string& subtitle) : title_(EscapeHtml(title)) {
  body_ = absl::StrCat("<header><h1>", title_, "</h1><p>", EscapeHtml(subtitle),
                       "</p></header>\n<main>\n");
}

void Page::Heading(const std::string& text) {
  absl::StrAppend(&body_, "<h2>", EscapeHtml(text), "</h2>\n");
}

void Page::Paragraph(const std::string& text) {
  absl::StrAppend(&body_, "<p>", EscapeHtml(text), "</p>\n");
}

void Page::Figures(const std::vector<std::string>& svgs) { AddFigures("figures", svgs); }

void Page::WideFigures(const std::vector<std::string>& svgs) { AddFigures("figures wide", svgs); }

void Page::AddFigures(const char* style, const std::vector<std::string>& svgs) {
  if (svgs.empty()) return;
  absl::StrAppend(&body_, "<div class=\"", style, "\">\n");
  for (const std::string& svg : svgs) absl::StrAppend(&body_, "<figure>", svg, "</figure>\n");
  body_ += "</div>\n";
}

void Page::Table(const std::vector<std::vector<std::string>>& rows,
                 const std::vector<size_t>& strong) {
  body_ += "<div class=\"table\"><table>\n";
  for (size_t i = 0; i < rows.size(); ++i) {
    const bool is_strong = std::find(strong.begin(), strong.end(), i) != strong.end();
    body_ += is_strong ? "<tr class=\"strong\">" : "<tr>";
    const char* cell = i == 0 ? "th" : "td";
    for (const std::string& text : rows[i]) {
      const char* style = text.size() > kLongCell && i > 0 ? " class=\"long\"" : "";
      absl::StrAppend(&body_, "<", cell, style, ">", EscapeHtml(text), "</", cell, ">");
    }
    body_ += "</tr>\n";
  }
  body_ += "</table></div>\n";
}

void Page::Details(const std::string& summary, const std::string& preformatted) {
  absl::StrAppend(&body_, "<details><summary>", EscapeHtml(summary), "</summary><pre>",
                  EscapeHtml(preformatted), "</pre></details>\n");
}

std::string Page::Html() const {
  return absl::StrCat("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n",
                      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n",
                      "<title>", title_, "</title>\n<style>", kStyle, "</style>\n</head>\n<body>\n",
                      body_, "<footer>Made by estuary.</footer>\n</main>\n</body>\n</html>\n");
}

}  // namespace estuary::cli
