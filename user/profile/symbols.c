// SPDX-License-Identifier: GPL-2.0-only
/* See symbols.h. */
#include "profile/symbols.h"

#include <fcntl.h>
#include <gelf.h>
#include <inttypes.h>
#include <libelf.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "source/snap.h"

struct symbol {
	uint64_t addr, size;	/* 0: up to the next one */
	char *name;
};

struct table {
	struct symbol *at;
	size_t n, cap;
};

/* A file that is mapped as code, and its symbols when somebody has asked for one. */
struct image {
	char path[PATH_MAX];
	bool loaded;
	struct table symbols;
	struct { uint64_t offset, size, addr; } segment[8];
	unsigned int nsegments;
};

struct mapping {
	uint32_t tgid;
	uint64_t start, end, offset;
	size_t image;
};

struct symbols {
	struct table kernel;
	bool kernel_loaded;
	struct { struct image *at; size_t n, cap; } images;
	struct { struct mapping *at; size_t n, cap; } mappings;	/* a later one counts */
};

/* ---- tables of symbols ---- */

static int by_addr(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	return (x->addr > y->addr) - (x->addr < y->addr);
}

static void add(struct table *t, uint64_t addr, uint64_t size, const char *name)
{
	struct symbol s = { .addr = addr, .size = size, .name = strdup(name) };

	if (s.name && snap_list_add(*t, &s))
		free(s.name);
}

static const struct symbol *lookup(const struct table *t, uint64_t addr)
{
	size_t low = 0, high = t->n;
	const struct symbol *s;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (t->at[mid].addr <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	if (!low)
		return NULL;
	s = &t->at[low - 1];
	return s->size && addr - s->addr >= s->size ? NULL : s;
}

static void clear(struct table *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->at[i].name);
	free(t->at);
}

/* ---- the kernel ---- */

static void load_kernel(struct symbols *s)
{
	FILE *f = fopen("/proc/kallsyms", "re");
	char line[512], name[256], type;
	uint64_t addr;

	s->kernel_loaded = true;
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%" SCNx64 " %c %255s", &addr, &type, name) == 3 && addr &&
		    strchr("tTwW", type))
			add(&s->kernel, addr, 0, name);
	if (f)
		fclose(f);
	if (s->kernel.n)
		qsort(s->kernel.at, s->kernel.n, sizeof(*s->kernel.at), by_addr);
}

void symbols_kernel(struct symbols *s, uint64_t ip, char name[SYMBOL_MAX])
{
	const struct symbol *found;

	if (!s->kernel_loaded)
		load_kernel(s);
	found = lookup(&s->kernel, ip);
	if (found)
		snprintf(name, SYMBOL_MAX, "%s", found->name);
	else
		snprintf(name, SYMBOL_MAX, "%#" PRIx64, ip);
}

/* ---- files ---- */

static void load_section(struct image *im, Elf *elf, Elf_Scn *section, const GElf_Shdr *head)
{
	Elf_Data *data = elf_getdata(section, NULL);
	const char *name;
	GElf_Sym sym;

	for (size_t i = 0; data && i < head->sh_size / head->sh_entsize; i++) {
		if (!gelf_getsym(data, i, &sym) || GELF_ST_TYPE(sym.st_info) != STT_FUNC ||
		    !sym.st_value)
			continue;
		name = elf_strptr(elf, head->sh_link, sym.st_name);
		if (name)
			add(&im->symbols, sym.st_value, sym.st_size, name);
	}
}

/* Where in the file is which address: only code. */
static void load_segments(struct image *im, Elf *elf)
{
	size_t n = 0;
	GElf_Phdr p;

	elf_getphdrnum(elf, &n);
	for (size_t i = 0; i < n && im->nsegments < 8; i++) {
		if (!gelf_getphdr(elf, i, &p) || p.p_type != PT_LOAD || !(p.p_flags & PF_X))
			continue;
		im->segment[im->nsegments].offset = p.p_offset;
		im->segment[im->nsegments].size = p.p_filesz;
		im->segment[im->nsegments++].addr = p.p_vaddr;
	}
}

static void load_elf(struct image *im, Elf *elf)
{
	Elf_Scn *section = NULL;
	GElf_Shdr head;

	load_segments(im, elf);
	while ((section = elf_nextscn(elf, section)))
		if (gelf_getshdr(section, &head) && head.sh_entsize &&
		    (head.sh_type == SHT_SYMTAB || head.sh_type == SHT_DYNSYM))
			load_section(im, elf, section, &head);
	if (im->symbols.n)
		qsort(im->symbols.at, im->symbols.n, sizeof(*im->symbols.at), by_addr);
}

static void load_image(struct image *im)
{
	int fd = open(im->path, O_RDONLY | O_CLOEXEC);
	Elf *elf;

	im->loaded = true;
	if (fd < 0)
		return;
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	if (elf && elf_kind(elf) == ELF_K_ELF)
		load_elf(im, elf);
	elf_end(elf);
	close(fd);
}

static const struct symbol *image_lookup(struct image *im, uint64_t offset)
{
	if (!im->loaded)
		load_image(im);
	for (unsigned int i = 0; i < im->nsegments; i++)
		if (offset - im->segment[i].offset < im->segment[i].size)
			return lookup(&im->symbols, offset - im->segment[i].offset +
				      im->segment[i].addr);
	return NULL;
}

/* ---- processes ---- */

static int image_of(struct symbols *s, const char *path, size_t *index)
{
	struct image new = {};

	for (*index = 0; *index < s->images.n; ++*index)
		if (!strcmp(s->images.at[*index].path, path))
			return 0;
	snprintf(new.path, sizeof(new.path), "%s", path);
	return snap_list_add(s->images, &new);
}

void symbols_mapped(struct symbols *s, uint32_t tgid, uint64_t start, uint64_t end, uint64_t offset,
		    const char *path)
{
	struct mapping m = { .tgid = tgid, .start = start, .end = end, .offset = offset };

	if (path[0] == '/' && !image_of(s, path, &m.image))
		(void)snap_list_add(s->mappings, &m);
}

void symbols_forked(struct symbols *s, uint32_t child, uint32_t parent)
{
	size_t n = s->mappings.n;

	for (size_t i = 0; i < n; i++) {
		struct mapping m = s->mappings.at[i];

		if (m.tgid != parent)
			continue;
		m.tgid = child;
		(void)snap_list_add(s->mappings, &m);
	}
}

static void note_line(struct symbols *s, uint32_t tgid, const char *line)
{
	uint64_t start, end, offset;
	char prot[8], path[PATH_MAX];

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s %" SCNx64 " %*s %*s %4095[^\n]", &start, &end, prot,
		   &offset, path) == 5 && prot[2] == 'x')
		symbols_mapped(s, tgid, start, end, offset, path);
}

void symbols_note(struct symbols *s, uint32_t tgid)
{
	char path[64], line[PATH_MAX + 128];
	FILE *f;

	for (size_t i = 0; i < s->mappings.n; i++)
		if (s->mappings.at[i].tgid == tgid)
			return;
	snprintf(path, sizeof(path), "/proc/%u/maps", tgid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		note_line(s, tgid, line);
	if (f)
		fclose(f);
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

void symbols_user(struct symbols *s, uint32_t tgid, uint64_t ip, char name[SYMBOL_MAX])
{
	snprintf(name, SYMBOL_MAX, "%#" PRIx64, ip);
	for (size_t i = s->mappings.n; i-- > 0;) {
		const struct mapping *m = &s->mappings.at[i];
		const struct symbol *found;
		struct image *im = &s->images.at[m->image];
		uint64_t offset = ip - m->start + m->offset;

		if (m->tgid != tgid || ip < m->start || ip >= m->end)
			continue;
		found = image_lookup(im, offset);
		if (found)
			snprintf(name, SYMBOL_MAX, "%s", found->name);
		else
			snprintf(name, SYMBOL_MAX, "%.90s+%#" PRIx64, base_name(im->path), offset);
		return;
	}
}

/* ---- life ---- */

struct symbols *symbols_new(void)
{
	return calloc(1, sizeof(struct symbols));
}

void symbols_free(struct symbols *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->images.n; i++)
		clear(&s->images.at[i].symbols);
	clear(&s->kernel);
	free(s->images.at);
	free(s->mappings.at);
	free(s);
}
