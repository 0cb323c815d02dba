// SPDX-License-Identifier: GPL-2.0-only
#include "report/assets.h"

/* The assembler puts the file between two symbols; its path is that from the repository. */
#define INCLUDE(symbol, path)						\
	__asm__(".pushsection .rodata\n"				\
		"asset_" #symbol "_start: .incbin \"" path "\"\n"	\
		"asset_" #symbol "_end:\n"				\
		".popsection\n");					\
	extern const char asset_##symbol##_start[], asset_##symbol##_end[]

INCLUDE(page_html, "user/report/page/page.html");
INCLUDE(page_css, "user/report/page/page.css");
INCLUDE(base_js, "user/report/page/base.js");
INCLUDE(figure_js, "user/report/page/figure.js");
INCLUDE(iova_js, "user/report/page/iova.js");
INCLUDE(heat_js, "user/report/page/heat.js");
INCLUDE(flame_js, "user/report/page/flame.js");
INCLUDE(charts_js, "user/report/page/charts.js");
INCLUDE(tables_js, "user/report/page/tables.js");
INCLUDE(uplot_js, "third_party/uplot/uPlot.iife.min.js");
INCLUDE(uplot_css, "third_party/uplot/uPlot.min.css");
INCLUDE(uplot_license, "third_party/uplot/LICENSE");

#define ASSET(name, symbol) { name, asset_##symbol##_start, asset_##symbol##_end }

const struct asset report_assets[] = {
	ASSET("page.html", page_html),
	ASSET("page.css", page_css),
	ASSET("base.js", base_js),
	ASSET("figure.js", figure_js),
	ASSET("iova.js", iova_js),
	ASSET("heat.js", heat_js),
	ASSET("flame.js", flame_js),
	ASSET("charts.js", charts_js),
	ASSET("tables.js", tables_js),
	ASSET("uplot.js", uplot_js),
	ASSET("uplot.css", uplot_css),
	ASSET("uplot.license", uplot_license),
	{}
};
