// A self-contained HTML page: one file, its style inside, nothing fetched from anywhere.
#pragma once

#include <string>
#include <vector>

namespace estuary::cli {

std::string EscapeHtml(const std::string& text);

class Page {
 public:
  explicit Page(const std::string& title, const std::string& subtitle);

  void Heading(const std::string& text);
  void Paragraph(const std::string& text);
  // Figures side by side, where there is room; SVG as it is.
  void Figures(const std::vector<std::string>& svgs);
  // The first row is the head. Cells are text. `strong` marks rows by index (the head is 0).
  void Table(const std::vector<std::vector<std::string>>& rows,
             const std::vector<size_t>& strong = {});
  // Folded away until it is asked for.
  void Details(const std::string& summary, const std::string& preformatted);

  std::string Html() const;

 private:
  std::string title_;
  std::string body_;
};

}  // namespace estuary::cli
