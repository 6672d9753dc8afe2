/* SPDX-License-Identifier: Apache-2.0
 *
 * A node has its literal children sorted by name, one child for a {brace}, and
 * the rows that end there. Finding walks down the literal child first and comes
 * back for the brace, so that /servers/detail and /servers/{id} stand side by
 * side whatever their methods are.
 */
#include "api/http/router.h"

#include <string.h>

struct node {
	char *name;              /* the segment; NULL for a brace and the root */
	GPtrArray *children;     /* struct node *, sorted by name */
	struct node *brace;
	GArray *rows;            /* struct row */
};

struct row {
	const struct route *route;   /* borrowed */
	const struct policy *policy;
};

struct router {
	struct node *root;
};

struct walk {
	const char *method;
	char *segment[ROUTE_SEGMENTS_MAX];
	int n;
	int mv;
	struct route_match *ret;
};

static void node_free(void *data)
{
	struct node *n = data;

	if (!n)
		return;
	g_free(n->name);
	g_ptr_array_unref(n->children);
	g_array_unref(n->rows);
	node_free(n->brace);
	g_free(n);
}

static struct node *node_new(const char *name)
{
	struct node *n = g_new0(struct node, 1);

	n->name = g_strdup(name);
	n->children = g_ptr_array_new_with_free_func(node_free);
	n->rows = g_array_new(FALSE, FALSE, sizeof(struct row));
	return n;
}

/* Where a name is among the children, or where it would have to be. */
static unsigned node_place(const struct node *n, const char *name, bool *ret_there)
{
	unsigned low = 0, high = n->children->len;

	while (low < high) {
		unsigned middle = (low + high) / 2;
		int order = strcmp(name, ((struct node *)n->children->pdata[middle])->name);

		if (order == 0) {
			*ret_there = true;
			return middle;
		}
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	*ret_there = false;
	return low;
}

static struct node *node_child(struct node *n, const char *name)
{
	bool there;
	unsigned at;

	if (name[0] == '{') {
		if (!n->brace)
			n->brace = node_new(NULL);
		return n->brace;
	}
	at = node_place(n, name, &there);
	if (!there)
		g_ptr_array_insert(n->children, (int)at, node_new(name));
	return n->children->pdata[at];
}

/* Splits at '/', in place. Return: how many, or -1 for more than @max. "/" has none. */
static int split(char *path, char **segment, int max)
{
	int n = 0;

	while (*path == '/') {
		*path++ = '\0';
		if (!*path)
			break;
		if (n == max)
			return -1;
		segment[n++] = path;
		path += strcspn(path, "/");
	}
	return n;
}

static int route_until(const struct route *r)
{
	return r->until ? r->until : G_MAXINT;
}

/* A rule without a row in policy.c would be a call for all. */
static const struct policy *policy_of(const char *rule, const char *path)
{
	const struct policy *p = rule ? policy_find(rule) : NULL;

	if (!p)
		g_error("%s: there is no policy %s", path, rule ? rule : "at all");
	return p;
}

static void check_actions(const struct route *r)
{
	g_assert((r->n_actions > 0) == !r->handle);
	for (size_t i = 0; i < r->n_actions; i++)
		(void)policy_of(r->actions[i].rule, r->path); /* it is found again when it is asked for */
}

static void add(struct router *rt, const struct route *r)
{
	g_autofree char *path = g_strdup(r->path);
	char *segment[ROUTE_SEGMENTS_MAX];
	int n = split(path, segment, ROUTE_SEGMENTS_MAX), braces = 0;
	struct node *node = rt->root;
	struct row row;

	g_assert(n >= 0 && r->path[0] == '/');
	check_actions(r);
	for (int i = 0; i < n; i++) {
		braces += segment[i][0] == '{';
		node = node_child(node, segment[i]);
	}
	g_assert(braces <= API_PARAMS_MAX);
	for (unsigned i = 0; i < node->rows->len; i++) {
		const struct route *other = g_array_index(node->rows, struct row, i).route;

		if (strcmp(other->method, r->method) == 0 && r->since <= route_until(other) && other->since <= route_until(r))
			g_error("route %s %s is there twice", r->method, r->path);
	}
	row = (struct row){ r, r->rule || !r->n_actions ? policy_of(r->rule, r->path) : NULL };
	g_array_append_val(node->rows, row);
}

struct router *router_new(const struct route_table *const *tables, size_t n)
{
	struct router *rt = g_new0(struct router, 1);

	rt->root = node_new(NULL);
	for (size_t t = 0; t < n; t++)
		for (size_t i = 0; i < tables[t]->n; i++)
			add(rt, &tables[t]->routes[i]);
	return rt;
}

void router_free(struct router *rt)
{
	if (!rt)
		return;
	node_free(rt->root);
	g_free(rt);
}

static bool take_row(const struct node *n, const struct walk *w, const char *method)
{
	for (unsigned i = 0; i < n->rows->len; i++) {
		const struct row *row = &g_array_index(n->rows, struct row, i);
		const struct route *r = row->route;

		w->ret->path_known = true;
		if (strcmp(r->method, method) != 0)
			continue;
		w->ret->method_known = true;
		if (w->mv < r->since || w->mv > route_until(r))
			continue;
		w->ret->route = r;
		w->ret->policy = row->policy;
		return true;
	}
	return false;
}

static bool descend(const struct node *n, const struct walk *w, int at, int params)
{
	bool there;
	unsigned place;

	if (at == w->n)
		return take_row(n, w, w->method) || (strcmp(w->method, "HEAD") == 0 && take_row(n, w, "GET"));
	place = node_place(n, w->segment[at], &there);
	if (there && descend(n->children->pdata[place], w, at + 1, params))
		return true;
	if (!n->brace || !*w->segment[at] || params == API_PARAMS_MAX)
		return false;
	w->ret->param[params] = w->segment[at];
	if (descend(n->brace, w, at + 1, params + 1))
		return true;
	w->ret->param[params] = NULL;
	return false;
}

void router_find(const struct router *rt, const char *method, char *path, int mv, struct route_match *ret)
{
	struct walk w = { .method = method, .mv = mv, .ret = ret };

	*ret = (struct route_match){ 0 };
	w.n = split(path, w.segment, ROUTE_SEGMENTS_MAX);
	if (w.n >= 0)
		(void)descend(rt->root, &w, 0, 0); /* the result is in ret */
}

static void collect(const struct node *n, char *const *segment, int left, GPtrArray *methods)
{
	bool there;
	unsigned place;

	for (unsigned i = 0; left == 0 && i < n->rows->len; i++) {
		const struct route *r = g_array_index(n->rows, struct row, i).route;

		if (!g_ptr_array_find_with_equal_func(methods, r->method, g_str_equal, NULL))
			g_ptr_array_add(methods, (void *)r->method);
	}
	if (left == 0)
		return;
	place = node_place(n, segment[0], &there);
	if (there)
		collect(n->children->pdata[place], segment + 1, left - 1, methods);
	if (n->brace)
		collect(n->brace, segment + 1, left - 1, methods);
}

char *router_methods(const struct router *rt, const char *path)
{
	g_autoptr(GPtrArray) methods = g_ptr_array_new();
	g_autofree char *copy = g_strdup(path);
	char *segment[ROUTE_SEGMENTS_MAX];
	int n = split(copy, segment, ROUTE_SEGMENTS_MAX);

	if (n >= 0)
		collect(rt->root, segment, n, methods);
	g_ptr_array_add(methods, NULL);
	return g_strjoinv(", ", (char **)methods->pdata);
}
