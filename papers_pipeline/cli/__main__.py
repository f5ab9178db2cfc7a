from papers_pipeline.cli.main import main

main()
