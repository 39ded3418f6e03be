#include "banned.h"

#include "cli/completion.h"

/* What the argument of an option is, beside one of a few words. */
enum what { NOTHING, FILES, FOLDERS, REGIONS, ACCOUNTS };

/* How the names are asked for that regions.cfg has. */
static const char *const names[] = { [REGIONS] = "regions", [ACCOUNTS] = "accounts" };

static enum what what_of(const struct option_about *o)
{
	if (!o->argument)
		return NOTHING;
	if (strcmp(o->argument, "FILE") == 0)
		return FILES;
	if (strcmp(o->argument, "DIR") == 0)
		return FOLDERS;
	if (strcmp(o->name, "account") == 0)
		return ACCOUNTS;
	return strcmp(o->argument, "REGION") == 0 ? REGIONS : NOTHING;
}

static int takes_regions(const struct tool_help *tool)
{
	return strstr(tool->arguments, "REGION") != NULL;
}

/* A name that shells take for a function's. */
static void add_identifier(struct awsq_buf *out, const char *name)
{
	for (; *name; name++)
		awsq_buf_addc(out, *name == '-' ? '_' : *name);
}

/* Text within single quotes, with a backslash before each character that is one of special. */
static void add_quoted(struct awsq_buf *out, const char *text, const char *special)
{
	for (; *text; text++) {
		if (*text == '\'')
			awsq_buf_adds(out, "'\\'");
		else if (strchr(special, *text))
			awsq_buf_addc(out, '\\');
		awsq_buf_addc(out, *text);
	}
}

/* ---- bash */

static const char bash_begin[] =
	"{\n"
	"\tlocal word=${COMP_WORDS[COMP_CWORD]} option=${COMP_WORDS[COMP_CWORD - 1]}\n"
	"\tlocal before= config= equals= i words=\n"
	"\tCOMPREPLY=()\n"
	"\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	"\t\tcase ${COMP_WORDS[i]} in\n"
	"\t\t--) return ;;\n"
	"\t\t--config=*) config=${COMP_WORDS[i]#*=} ;;\n"
	"\t\t-c | --config)\n"
	"\t\t\t[[ ${COMP_WORDS[i + 1]} == = ]] && ((i++))\n"
	"\t\t\tconfig=${COMP_WORDS[i + 1]} ;;\n"
	"\t\tesac\n"
	"\tdone\n"
	"\tconfig=${config/#\\~\\//$HOME/}\n"
	"\t# --output=json is three words to bash, or one where '=' does not break words.\n"
	"\tif [[ $word == = ]]; then\n"
	"\t\tequals=1 word=\n"
	"\telif [[ $option == = ]]; then\n"
	"\t\tequals=1 option=${COMP_WORDS[COMP_CWORD - 2]}\n"
	"\telif [[ $word == --*=* ]]; then\n"
	"\t\tequals=1 option=${word%%=*} before=${word%%=*}= word=${word#*=}\n"
	"\tfi\n"
	"\tcase $option$equals in\n";

/* Those after a comma, too, where several are given at once. */
static void bash_names(struct awsq_buf *out, enum what what)
{
	awsq_buf_addf(out,
		"words=$(\"$1\" --completion=%s ${config:+\"--config=$config\"} 2>/dev/null)",
		names[what]);
	if (what == ACCOUNTS)
		awsq_buf_adds(out,
			"\n\t\t[[ $word == *,* ]] && before+=${word%,*}, word=${word##*,}");
}

static const char bash_end[] =
	"\tmapfile -t COMPREPLY < <(compgen -P \"$before\" -W \"$words\" -- \"$word\")\n"
	"\tif [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]]; then\n"
	"\t\tcompopt -o nospace\n"
	"\tfi\n"
	"}\n";

/* "--output | --output1 | -o) ...": of an option whose argument may be left out, only after "=". */
static void bash_case(struct awsq_buf *out, const struct option_about *o)
{
	awsq_buf_addf(out, "\t--%s1", o->name);
	if (!o->is_optional) {
		awsq_buf_addf(out, " | --%s", o->name);
		if (o->letter)
			awsq_buf_addf(out, " | -%c", o->letter);
	}
	awsq_buf_adds(out, ")\n\t\t");
	switch (o->values ? NOTHING : what_of(o)) {
	case FILES:
	case FOLDERS:
		awsq_buf_addf(out,
			"compopt -o filenames\n"
			"\t\tmapfile -t COMPREPLY < <(compgen -P \"$before\" -%c -- \"$word\")\n"
			"\t\treturn\n\t\t;;\n",
			what_of(o) == FILES ? 'f' : 'd');
		return;
	case REGIONS:
	case ACCOUNTS:
		bash_names(out, what_of(o));
		break;
	case NOTHING:
		awsq_buf_addf(out, "words='%s'", o->values ? o->values : "");
		break;
	}
	awsq_buf_adds(out, "\n\t\t;;\n");
}

static void bash_script(struct awsq_buf *out, const struct tool_help *tool)
{
	struct option_about o;

	awsq_buf_adds(out, "_awsq_");
	add_identifier(out, tool->name);
	awsq_buf_addf(out, "()\n%s", bash_begin);
	for (size_t i = 0; options_next(&o, tool, &i);) {
		if (o.argument)
			bash_case(out, &o);
	}
	awsq_buf_adds(out, "\t*)\n\t\tif [[ $word == -* ]]; then\n\t\t\twords='");
	for (size_t i = 0; options_next(&o, tool, &i);)
		awsq_buf_addf(out, "--%s%s ", o.name, o.argument && !o.is_optional ? "=" : "");
	awsq_buf_adds(out, "'\n");
	if (takes_regions(tool)) {
		awsq_buf_adds(out, "\t\telse\n\t\t\t");
		bash_names(out, REGIONS);
		awsq_buf_addc(out, '\n');
	}
	awsq_buf_addf(out, "\t\tfi ;;\n\tesac\n%scomplete -F _awsq_", bash_end);
	add_identifier(out, tool->name);
	awsq_buf_addf(out, " %s\n", tool->name);
}

/* ---- zsh */

static const char zsh_begin[] = "_awsq_names() {\n"
				"\tlocal config=${opt_args[--config]:-${opt_args[-c]}}\n"
				"\tlocal -a names\n"
				"\tnames=(${(f)\"$(${~words[1]} --completion=$1 "
				"${config:+--config=${~config}} 2>/dev/null)\"})\n"
				"\t[[ $1 == accounts ]] && compset -P '*,'\n"
				"\tcompadd -a names\n"
				"}\n\n"
				"local -A opt_args\n";

static void zsh_option(struct awsq_buf *out, const struct option_about *o)
{
	const char *equals = !o->argument ? "" : o->is_optional ? "=-" : "=";

	awsq_buf_adds(out, " \\\n\t");
	if (o->letter)
		awsq_buf_addf(out, "'(-%c --%s)'{-%c%s,--%s%s}'[", o->letter, o->name, o->letter,
			o->argument ? "+" : "", o->name, equals);
	else
		awsq_buf_addf(out, "'--%s%s[", o->name, equals);
	add_quoted(out, o->help, "[]:\\");
	awsq_buf_adds(out, "]");
	if (o->argument) {
		awsq_buf_addf(out, "%s:%s:", o->is_optional ? ":" : "", o->argument);
		if (o->values)
			awsq_buf_addf(out, "(%s)", o->values);
		else if (names[what_of(o)])
			awsq_buf_addf(out, " _awsq_names %s", names[what_of(o)]);
		else if (what_of(o) != NOTHING)
			awsq_buf_adds(out, what_of(o) == FILES ? "_files" : "_files -/");
		else
			awsq_buf_adds(out, " ");
	}
	awsq_buf_addc(out, '\'');
}

static void zsh_script(struct awsq_buf *out, const struct tool_help *tool)
{
	struct option_about o;

	awsq_buf_addf(out, "%s_arguments -s -S", zsh_begin);
	for (size_t i = 0; options_next(&o, tool, &i);)
		zsh_option(out, &o);
	awsq_buf_addf(out, " \\\n\t'*:%s'\n",
		takes_regions(tool) ? "region: _awsq_names regions" : "run: ");
}

/* ---- fish */

static const char fish_begin[] = "function __awsq_names -a what\n"
				 "\tset -l words (commandline -opc)\n"
				 "\tset -l config\n"
				 "\tfor i in (seq 2 (count $words))\n"
				 "\t\tswitch $words[$i]\n"
				 "\t\t\tcase '--config=*'\n"
				 "\t\t\t\tset config $words[$i]\n"
				 "\t\t\tcase -c --config\n"
				 "\t\t\t\tset config --config=$words[(math $i + 1)]\n"
				 "\t\tend\n"
				 "\tend\n"
				 "\t$words[1] $config --completion=$what 2>/dev/null\n"
				 "end\n\n";

static void fish_option(struct awsq_buf *out, const char *tool, const struct option_about *o)
{
	enum what what = o->values ? NOTHING : what_of(o);

	awsq_buf_addf(out, "complete -c %s ", tool);
	if (o->letter)
		awsq_buf_addf(out, "-s %c ", o->letter);
	awsq_buf_addf(out, "-l %s", o->name);
	if (what == FILES)
		awsq_buf_adds(out, " -r -F");
	else if (what == FOLDERS)
		awsq_buf_adds(out, " -x -a '(__fish_complete_directories (commandline -ct))'");
	else if (names[what])
		awsq_buf_addf(out, " -x -a '(__awsq_names %s)'", names[what]);
	else if (o->argument && !o->is_optional)
		awsq_buf_adds(out, " -x");
	if (o->values)
		awsq_buf_addf(out, " -a '%s'", o->values);
	awsq_buf_adds(out, " -d '");
	add_quoted(out, o->help, "\\");
	awsq_buf_adds(out, "'\n");
}

static void fish_script(struct awsq_buf *out, const struct tool_help *tool)
{
	struct option_about o;

	awsq_buf_addf(out, "%scomplete -c %s -f", fish_begin, tool->name);
	if (takes_regions(tool))
		awsq_buf_adds(out, " -a '(__awsq_names regions)' -d region");
	awsq_buf_addc(out, '\n');
	for (size_t i = 0; options_next(&o, tool, &i);)
		fish_option(out, tool->name, &o);
}

/* ---- All of them */

static int add_script(struct awsq_buf *out, const struct tool_help *tool, const char *shell)
{
	static const struct {
		const char *shell;
		void (*add)(struct awsq_buf *out, const struct tool_help *tool);
	} scripts[] = { { "bash", bash_script }, { "zsh", zsh_script }, { "fish", fish_script } };

	for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
		if (strcmp(scripts[i].shell, shell) != 0)
			continue;
		if (strcmp(shell, "zsh") == 0)
			awsq_buf_addf(out, "#compdef %s\n", tool->name);
		awsq_buf_addf(out, "# Completes %s in %s. Made by: %s --completion=%s\n\n",
			tool->name, shell, tool->name, shell);
		scripts[i].add(out, tool);
		return 1;
	}
	return 0;
}

static int add_names(struct awsq_buf *out, const struct options *o, struct awsq_err *err)
{
	struct config config = { 0 };
	char *path = NULL;
	int rc = config_find(&path, o->config, err);

	if (rc == 0)
		rc = config_load(&config, path, err);
	if (rc == 0 && strcmp(o->completion, names[REGIONS]) == 0) {
		for (size_t i = 0; i < config.n_regions; i++)
			awsq_buf_addf(out, "%s\n", config.regions[i].name);
	} else if (rc == 0) {
		for (size_t i = 0; i < config.n_accounts; i++)
			awsq_buf_addf(out, "%s\n", config.accounts[i].name);
	}
	config_free(&config);
	free(path);
	return rc;
}

int completion_print(struct app *app)
{
	struct awsq_buf text = AWSQ_BUF_INIT(1024 * 1024);
	struct awsq_err err = { 0 };

	if (!add_script(&text, &app->tool->help, app->options.completion) &&
		add_names(&text, &app->options, &err) != 0) {
		screen_error(app->screen, NULL, "%s", err.message);
		awsq_buf_free(&text);
		return EXIT_USAGE;
	}
	return app_print(app, &text, 0) == 0 ? EXIT_OK : EXIT_FAILED;
}
