#include <stdio.h>

int main(int argc, char **argv)
{
	fprintf(stderr, "kubefs: no command \"%s\"\n", argc > 1 ? argv[1] : "");
	return 1;
}
