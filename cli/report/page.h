// A self-contained HTML page: one file, its style inside, nothing fetched from anywhere.
#pragma once

#include <string>
#include <vector>

namespace estuary::cli {

std::string EscapeHtml(const std::string& text);

// The first row is the head; the first `left` columns are words, the others numbers.
std::string MarkdownTable(const std::vector<std::vector<std::string>>& rows, size_t left);

class Page {
 public:
  explicit Page(const std::string& title, const std::string& subtitle);

  void Heading(const std::string& text);
  void Paragraph(const std::string& text);
  // Figures side by side, where there is room; SVG as it is.
  void Figures(const std::vector<std::string>& svgs);
  // One below the other, each as wide as the page.
  void WideFigures(const std::vector<std::string>& svgs);
  // The first row is the head. Cells are text. `strong` marks rows by index (the head is 0).
  void Table(const std::vector<std::vector<std::string>>& rows,
             const std::vector<size_t>& strong = {});
  // Folded away until it is asked for.
  void Details(const std::string& summary, const std::string& preformatted);

  std::string Html() const;

 private:
  void AddFigures(const char* style, const std::vector<std::string>& svgs);

  std::string title_;
  std::string body_;
};

}  // namespace estuary::cli
