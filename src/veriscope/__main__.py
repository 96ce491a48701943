from veriscope.cli import main

main()
