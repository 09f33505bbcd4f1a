dist_man_MANS += man/kubefs.1 man/kubefs-tree.5
