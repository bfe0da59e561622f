# make run   opens the app            make test  checks everything
# make dev   the app, reloading       make clean removes .venv
# make audit looks for known holes in what is installed
# ADDRESS=0.0.0.0 make run            lets other machines in
PYTHON ?= python3
ADDRESS ?= localhost
PORT ?= 8501
BIN := .venv/bin
STREAMLIT := $(BIN)/streamlit run streamlit_app.py --server.address $(ADDRESS) --server.port $(PORT)

.PHONY: run dev test lint audit clean
.DELETE_ON_ERROR:

run: .venv/ready
	@echo "==> アプリを起動します: http://$(ADDRESS):$(PORT) (終了は Ctrl+C)"
	@$(STREAMLIT)

dev: .venv/ready
	@echo "==> 保存のたびに再読み込みする開発モードで起動します: http://$(ADDRESS):$(PORT)"
	@$(STREAMLIT) --server.fileWatcherType auto --server.runOnSave true --client.showErrorDetails full

test: lint
	@$(BIN)/python -m tests.browser.chromium
	@echo "==> テストを実行します"
	@$(BIN)/python -m pytest --numprocesses 2 --dist loadfile

lint: .venv/ready-dev
	@echo "==> ruff と mypy で確認します"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

audit: .venv/ready
	@echo "==> 入れたライブラリに既知の脆弱性がないか調べます"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check pip-audit \
		&& $(BIN)/python -m pip_audit --local --progress-spinner off \
		|| { echo "脆弱性が見つかったか、調べられませんでした(インターネット接続が要ります)。上の表示を確認してください。"; exit 1; }

.venv/ready: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 以降が必要です。PYTHON=python3.12 make … のように指定してください。"; exit 1; }
	@echo "==> .venv に必要なものを入れます(初回は PyTorch などで約 5.5 GB、数分かかります)"
	@$(PYTHON) -m venv .venv \
		|| { echo "venv を作れません。Debian/Ubuntu なら apt install python3-venv を実行してください。"; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip \
		&& $(BIN)/python -m pip install --quiet -r requirements.txt \
		|| { echo "インストールに失敗しました。ネットワークとディスクの空き(8 GB 以上)を確認してください。"; exit 1; }
	@touch $@

.venv/ready-dev: .venv/ready pyproject.toml
	@echo "==> テスト用の道具を入れます"
	@$(BIN)/python -m pip install --quiet --group dev \
		|| { echo "テスト用の道具を入れられませんでした。ネットワークを確認してください。"; exit 1; }
	@touch $@

clean:
	rm -rf .venv
